import ServingDomain

/// The policies by name.
enum PolicyNames {
    /// All names that `make` takes.
    static let known = ["duty", "edf", "fifo"]

    /// The policy called `text`, options included.
    ///
    /// - Throws: One line naming the nearest policy or the options that there are.
    static func make(_ text: String) throws(ConfigurationError) -> any DispatchPolicy {
        let asked = OptionedName(text)
        guard known.contains(asked.name) else {
            throw ConfigurationError(OptionedName.unknown("policy", asked.name, known: known))
        }
        guard asked.options.isEmpty else {
            throw ConfigurationError(
                "Policy '\(asked.name)' takes no options, but got "
                    + "'\(asked.options[0].key)'; leave out what follows the colon."
            )
        }
        switch asked.name {
        case "duty": return DutyPolicy()
        case "fifo": return FifoPolicy()
        default: return EdfPolicy()
        }
    }
}
