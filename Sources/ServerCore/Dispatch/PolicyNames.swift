import ServingDomain

/// The policies by name.
public enum PolicyNames {
    /// All names that `make` takes.
    public static let known = [
        "duty", "edf", "fifo", "clockwork", "preemptive", "strait", "confluence", "oracle",
    ]

    /// The policy called `text`, options included.
    ///
    /// - Throws: One line naming the nearest policy or the options that there are.
    static func make(_ text: String) throws(ConfigurationError) -> any DispatchPolicy {
        let asked = OptionedName(text)
        switch asked.name {
        case "oracle":
            // It keeps its margins: what others will start later it is not told either.
            var options = StraitOptions.strait
            try options.apply(asked)
            return StraitPolicy(options)
        case "strait":
            var options = StraitOptions.strait
            try options.apply(asked)
            return StraitPolicy(options)
        case "confluence":
            var options = StraitOptions.confluence
            try options.apply(asked)
            return StraitPolicy(options)
        case "preemptive": return PreemptivePolicy(threshold: try threshold(asked))
        case "duty", "edf", "fifo", "clockwork": break
        default:
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
        case "clockwork": return ClockworkPolicy()
        default: return EdfPolicy()
        }
    }

    private static func threshold(_ asked: OptionedName) throws(ConfigurationError) -> Int32 {
        var threshold: Int32 = 8
        for option in asked.options {
            guard option.key == "threshold", let value = Int32(option.value),
                (1...1_024).contains(value)
            else {
                throw ConfigurationError(
                    "Policy 'preemptive' takes 'threshold' within 1...1024, but got "
                        + "'\(option.key)=\(option.value)'."
                )
            }
            threshold = value
        }
        return threshold
    }
}
