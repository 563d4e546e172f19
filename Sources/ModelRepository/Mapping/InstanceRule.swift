/// Maps `instance_group` to a number of instances.
enum InstanceRule {
    /// The instances of all groups that serve; 1 without any.
    ///
    /// Which device they sit on is the plan's choice, so the groups' kinds count together.
    static func count(
        _ config: ConfigMessage,
        _ limits: RepositoryLimits,
        _ findings: inout Findings
    ) -> Int64 {
        let groups = config.messages("instance_group")
        let position = config.position("instance_group")
        var sum: Int64 = 0
        for group in groups {
            let count = group.has("count") && group.int("count") != 0 ? group.int("count") : 1
            guard count >= 1 else {
                findings.error("instance_group.count", "must be at least 1", at: position)
                return 1
            }
            if group.word("kind") == 1 {
                findings.ignored(
                    "instance_group.kind",
                    "KIND_GPU counts as KIND_AUTO: \(count) instances wherever the plan puts them",
                    at: position
                )
            }
            if !group.bool("passive") { sum += count }
        }
        guard sum <= limits.instances else {
            findings.error(
                "instance_group.count",
                "\(sum) instances are above the limit of \(limits.instances); use fewer",
                at: position
            )
            return 1
        }
        if sum == 0, !groups.isEmpty {
            findings.error(
                "instance_group.passive",
                "all groups are passive, so nothing would serve; make one of them active",
                at: position
            )
        }
        return max(1, sum)
    }
}
