import Foundation

/// How busy the machine is with other work, which a measurement would be taken for.
public enum HostLoad {
    /// A warning where others want more than a quarter of the cores; nil where it is quiet, or
    /// where the system doesn't say.
    public static func warning(cores: Int) -> String? {
        warning(cores: cores, text: try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8))
    }

    static func warning(cores: Int, text: String?) -> String? {
        // The mean number of threads that wanted to run during the last minute.
        guard let word = text?.split(separator: " ").first, let load = Double(word),
            load > Double(cores) / 4
        else { return nil }
        return "the machine is busy: \(word) threads want to run on \(cores) cores; medians and "
            + "slowdowns will be too large, measure again when it is quiet (--again)"
    }
}
