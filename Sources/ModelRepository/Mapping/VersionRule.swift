/// Chooses the versions to serve.
enum VersionRule {
    /// The versions that the policy asks for, ascending; those that are missing are reported, and
    /// none at all is an error.
    static func choose(
        _ config: ConfigMessage,
        from there: [Int64],
        _ limits: RepositoryLimits,
        _ findings: inout Findings
    ) -> [Int64] {
        guard !there.isEmpty else {
            findings.error(
                "",
                "there is no version folder; make a folder '1' and put "
                    + "'\(PlatformRule.file(config))' into it"
            )
            return []
        }
        let chosen = choose(config.message("version_policy"), from: there, &findings)
        if chosen.isEmpty, findings.fatal == nil {
            let list = there.prefix(16).map(String.init).joined(separator: ", ")
            findings.error(
                "version_policy",
                "chooses no version; there are: \(list)",
                at: config.position("version_policy")
            )
        }
        if chosen.count > limits.versions {
            findings.error(
                "version_policy",
                "chooses \(chosen.count) versions, the limit is \(limits.versions); name fewer",
                at: config.position("version_policy")
            )
        }
        return chosen
    }

    private static func choose(
        _ policy: ConfigMessage?,
        from there: [Int64],
        _ findings: inout Findings
    ) -> [Int64] {
        guard let policy else { return Array(there.suffix(1)) }
        if policy.has("all") { return there }
        if let specific = policy.message("specific") {
            let wanted = Set(specific.ints("versions"))
            for missing in wanted.subtracting(there).sorted() {
                findings.ignored(
                    "version_policy.specific",
                    "version \(missing) has no folder and is left out",
                    at: policy.position("specific")
                )
            }
            return there.filter(wanted.contains)
        }
        guard let latest = policy.message("latest") else { return Array(there.suffix(1)) }
        let count = latest.has("num_versions") ? latest.int("num_versions") : 1
        guard count >= 1 else {
            findings.error(
                "version_policy.latest.num_versions",
                "must be at least 1, not \(count)",
                at: latest.position("num_versions")
            )
            return []
        }
        return Array(there.suffix(Int(clamping: count)))
    }
}
