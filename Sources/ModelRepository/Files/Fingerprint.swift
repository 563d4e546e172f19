import ServerRuntime

/// A cheap hash of a model's folder: names, sizes and times of change, no contents.
struct Fingerprint {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash of a folder and what lies in it, three levels deep.
    ///
    /// Cost: one look per file; poll mode asks for it every few seconds.
    static func of(_ folder: ModelFolder, _ limits: RepositoryLimits) throws(SourceError) -> UInt64
    {
        var hash = Fingerprint()
        var left = limits.folderEntries
        hash.add(folder.path)
        try hash.add(folder.path, depth: 3, &left, limits)
        return hash.state
    }

    /// The hash of the files of one version, external data included.
    static func of(
        _ folder: ModelFolder,
        version: Int64,
        _ limits: RepositoryLimits
    ) throws(SourceError) -> UInt64 {
        var hash = Fingerprint()
        var left = limits.folderEntries
        try hash.add("\(folder.path)/\(version)", depth: 3, &left, limits)
        return hash.state
    }

    private mutating func add(
        _ folder: String,
        depth: Int,
        _ left: inout Int,
        _ limits: RepositoryLimits
    ) throws(SourceError) {
        for name in try FileAccess.names(in: folder, atMost: limits.folderEntries) {
            left -= 1
            guard left >= 0 else { return }
            let path = folder + "/" + name
            guard let entry = FileAccess.look(path) else { continue }
            add(name)
            if entry.kind == .folder {
                if depth > 1 { try add(path, depth: depth - 1, &left, limits) }
            } else {
                add(UInt64(bitPattern: entry.bytes))
                add(UInt64(bitPattern: entry.changed))
            }
        }
    }

    /// FNV-1a; the zero byte keeps neighbouring names apart.
    private mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
        add(UInt8(0))
    }

    private mutating func add(_ number: UInt64) {
        for shift in 0..<8 { add(UInt8(truncatingIfNeeded: number >> (8 * shift))) }
    }

    private mutating func add(_ byte: UInt8) {
        state = (state ^ UInt64(byte)) &* 0x100_0000_01B3
    }
}
