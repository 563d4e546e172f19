import Foundation

/// Why a zoo network couldn't be built or written. Each has a one-line description that says what
/// happened, the limit, and the next step.
public enum ZooError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No network has this name; `nearest` is the known name that differs least.
    case unknownNetwork(String, nearest: String)
    /// The file would take more bytes than a protobuf message may.
    case tooLarge(String, bytes: Int, limit: Int)
    /// A folder or file can't be made or filled: disk full, no permission.
    case unwritable(path: String, reason: String)

    /// One line for the operator.
    public var description: String {
        switch self {
        case .unknownNetwork(let name, let nearest):
            "the zoo has no network '\(name)'; did you mean '\(nearest)'? "
                + "`sluice zoo list` names them all"
        case .tooLarge(let name, let bytes, let limit):
            "\(name): the model file would take \(bytes) bytes, a protobuf file holds \(limit) at "
                + "most; use a smaller network"
        case .unwritable(let path, let reason):
            "can't write \(path): \(reason); choose another folder or free some space"
        }
    }

    /// The error for an unknown name, with the nearest of the known ones: one that goes on where
    /// the unknown stops, else that of the fewest changes.
    static func unknown(_ name: String, among known: [String]) -> ZooError {
        let wanted = name.lowercased()
        let longer = wanted.isEmpty ? nil : known.first { $0.hasPrefix(wanted) }
        let ranked = known.map { (distance: distance(wanted, $0), name: $0) }
        let nearest = ranked.min { $0.distance < $1.distance }
        return .unknownNetwork(name, nearest: longer ?? nearest?.name ?? "")
    }

    /// The error for a path, in the system's own words.
    static func failing(_ path: String, _ error: any Error) -> ZooError {
        // Foundation's sentence only says that something failed; the cause stands beneath.
        let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        guard let cause, cause.domain == NSPOSIXErrorDomain else {
            return .unwritable(path: path, reason: error.localizedDescription)
        }
        return .unwritable(path: path, reason: String(cString: strerror(Int32(cause.code))))
    }

    /// How many letters must be put in, taken out or changed (Levenshtein 1965).
    private static func distance(_ one: String, _ other: String) -> Int {
        // Names longer than this are nonsense; the limit bounds the work.
        let (one, other) = (Array(one.utf8.prefix(100)), Array(other.utf8.prefix(100)))
        var row = Array(0...other.count)
        for (line, letter) in one.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, candidate) in other.enumerated() {
                let change = diagonal + (letter == candidate ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(change, diagonal + 1, row[column] + 1)
            }
        }
        return row[other.count]
    }
}
