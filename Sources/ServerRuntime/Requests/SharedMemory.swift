import Glibc
import Synchronization

/// Memory that clients share with the server (`system_shared_memory`); off unless asked for.
public final class SharedMemory: Sendable {
    /// A registered region.
    public struct Region: Hashable, Sendable {
        /// The name that requests use.
        public var name: String
        /// The name of the shared memory object, such as `/input0`.
        public var key: String
        /// Where the region begins in the object, in bytes.
        public var offset: UInt64
        /// How long it is, in bytes.
        public var byteSize: UInt64

        /// Creates the description of a region.
        public init(name: String, key: String, offset: UInt64, byteSize: UInt64) {
            self.name = name
            self.key = key
            self.offset = offset
            self.byteSize = byteSize
        }
    }

    /// A part of a region that stays mapped for as long as somebody holds it.
    public final class View: Sendable {
        private let mapping: Mapping
        private let range: Range<Int>

        /// The bytes, shared with the client, which may change them at any time.
        public var bytes: UnsafeMutableRawBufferPointer {
            UnsafeMutableRawBufferPointer(rebasing: mapping.bytes[range])
        }

        fileprivate init(_ mapping: Mapping, _ range: Range<Int>) {
            self.mapping = mapping
            self.range = range
        }
    }

    /// Why a region can't be had.
    public struct Failure: Error, Hashable, Sendable {
        /// The kinds that fronts answer differently.
        public enum Kind: UInt8, Hashable, Sendable {
            /// The server was started without shared memory.
            case disabled
            /// There is no region of that name.
            case unknown
            /// There is a region of that name already.
            case exists
            /// The region does not fit its object, or the object can't be opened.
            case invalid
        }

        /// What kind of failure it is.
        public var kind: Kind
        /// One line: what, the limit, the next step.
        public var message: String

        init(_ kind: Kind, _ message: String) {
            self.kind = kind
            self.message = message
        }
    }

    fileprivate final class Mapping: @unchecked Sendable {
        // Safe: the address never changes and is unmapped by the last owner only; what stands in
        // it is the client's business by design.
        let base: UnsafeMutableRawPointer
        let whole: Int
        let bytes: UnsafeMutableRawBufferPointer

        init(base: UnsafeMutableRawPointer, whole: Int, skip: Int) {
            self.base = base
            self.whole = whole
            bytes = UnsafeMutableRawBufferPointer(start: base + skip, count: whole - skip)
        }

        deinit { munmap(base, whole) }
    }

    private struct Entry {
        var region: Region
        var mapping: Mapping
    }

    /// The most regions at once.
    public static let limit = 1_024

    private let isAllowed: Bool
    private let entries = Mutex<[String: Entry]>([:])

    init(isAllowed: Bool) {
        self.isAllowed = isAllowed
    }

    /// Maps a region under a name.
    public func register(_ region: Region) throws(Failure) {
        try checkAllowed()
        let mapping = try map(region)
        let added: Failure? = entries.withLock { entries in
            if entries[region.name] != nil {
                return Failure(
                    .exists,
                    "shared memory region '\(region.name)' is registered already; unregister it "
                        + "first"
                )
            }
            guard entries.count < Self.limit else {
                return Failure(
                    .invalid,
                    "no more than \(Self.limit) shared memory regions; unregister some first"
                )
            }
            entries[region.name] = Entry(region: region, mapping: mapping)
            return nil
        }
        if let added { throw added }
    }

    /// Forgets a region, or all of them (nil); views of it stay valid.
    public func unregister(_ name: String?) throws(Failure) {
        try checkAllowed()
        entries.withLock { entries in
            if let name { entries[name] = nil } else { entries = [:] }
        }
    }

    /// The regions by name, or the named one.
    public func regions(_ name: String?) throws(Failure) -> [Region] {
        try checkAllowed()
        let all = entries.withLock { $0.values.map(\.region) }.sorted { $0.name < $1.name }
        guard let name else { return all }
        guard let one = all.first(where: { $0.name == name }) else { throw unknown(name) }
        return [one]
    }

    /// Part of a region, for one tensor.
    public func view(
        _ name: String,
        offset: UInt64,
        byteSize: UInt64
    ) throws(Failure) -> View {
        try checkAllowed()
        guard let mapping = entries.withLock({ $0[name]?.mapping }) else { throw unknown(name) }
        let size = UInt64(mapping.bytes.count)
        guard offset <= size, byteSize <= size - offset else {
            throw Failure(
                .invalid,
                "shared memory region '\(name)' has \(size) bytes; offset \(offset) and size "
                    + "\(byteSize) reach beyond it"
            )
        }
        return View(mapping, Int(offset)..<Int(offset + byteSize))
    }

    private func map(_ region: Region) throws(Failure) -> Mapping {
        let (end, overflow) = region.offset.addingReportingOverflow(region.byteSize)
        guard !overflow, end <= UInt64(Int.max), region.byteSize > 0 else {
            throw Failure(.invalid, "shared memory region '\(region.name)' has no usable size")
        }
        let file = shm_open(region.key, O_RDWR, 0)
        guard file >= 0 else {
            throw Failure(
                .invalid,
                "shared memory object '\(region.key)' can't be opened: "
                    + "\(String(cString: strerror(errno))); create it before registering"
            )
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, UInt64(status.st_size) >= end else {
            throw Failure(
                .invalid,
                "shared memory object '\(region.key)' has \(status.st_size) bytes, "
                    + "\(end) are asked for"
            )
        }
        // A mapping begins on a page; the region may not.
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let skip = Int(region.offset) % page
        let whole = Int(region.byteSize) + skip
        let base = mmap(
            nil,
            whole,
            PROT_READ | PROT_WRITE,
            MAP_SHARED,
            file,
            Int(region.offset) - skip
        )
        guard let base, base != MAP_FAILED else {
            throw Failure(
                .invalid,
                "shared memory object '\(region.key)' can't be mapped: "
                    + "\(String(cString: strerror(errno)))"
            )
        }
        return Mapping(base: base, whole: whole, skip: skip)
    }

    private func checkAllowed() throws(Failure) {
        guard isAllowed else {
            throw Failure(
                .disabled,
                "shared memory is disabled; start the server with --allow-client-shm=true"
            )
        }
    }

    private func unknown(_ name: String) -> Failure {
        Failure(.unknown, "there is no shared memory region '\(name)'; register it first")
    }
}
