import Foundation

/// A certificate for `localhost` that is its own authority, and its key: two PEM files that last
/// as long as this object.
public final class SelfSignedCertificate: Sendable {
    /// The certificate's path.
    public let path: String
    /// The key's path.
    public let keyPath: String
    private let folder: URL

    private init(in folder: URL) {
        self.folder = folder
        path = folder.appending(path: "certificate.pem").path
        keyPath = folder.appending(path: "key.pem").path
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Writes a copy of this one's files over those of `other`.
    public func replace(_ other: SelfSignedCertificate) throws {
        for (from, to) in [(path, other.path), (keyPath, other.keyPath)] {
            try Data(contentsOf: URL(filePath: from)).write(to: URL(filePath: to), options: .atomic)
        }
    }

    /// Leaves files that hold nothing of use.
    public func spoil() throws {
        try Data("no certificate".utf8).write(to: URL(filePath: path), options: .atomic)
    }

    /// Makes one with the openssl command; nil, and a line that says so, where there is none.
    public static func make() throws -> SelfSignedCertificate? {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "sluice-certificate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let made = SelfSignedCertificate(in: folder)
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments =
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            + ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
            + ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
            + ["-keyout", made.keyPath, "-out", made.path]
        openssl.standardOutput = FileHandle.nullDevice
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        guard openssl.terminationStatus == 0 else {
            print("skipped: there is no openssl command, or it can't make certificates")
            return nil
        }
        return made
    }
}
