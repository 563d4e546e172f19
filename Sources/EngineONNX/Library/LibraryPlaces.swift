import Glibc

/// Where ONNX Runtime's library may lie, in the order that is tried.
struct LibraryPlaces {
    /// The environment variable that names the library.
    static let variable = "SLUICE_ONNXRUNTIME"
    /// The paths or bare names to hand to the loader.
    var paths: [String]
    /// Whether somebody named the library, so that no other place may stand in for it.
    var named: Bool

    /// The place that was named, or all the usual ones.
    ///
    /// A named library comes first (`library`, then the environment); else the folder `.engine`
    /// of the working directory and of the checkout that holds the executable; else the system's.
    init(library: String?) {
        if let library {
            (paths, named) = ([library], true)
            return
        }
        if let value = getenv(Self.variable), value.pointee != 0 {
            (paths, named) = ([String(cString: value)], true)
            return
        }
        var folders = [".engine"]
        if var folder = Self.executable {
            while let slash = folder.lastIndex(of: "/"), slash > folder.startIndex {
                folder = String(folder[..<slash])
                folders.append(folder + "/.engine")
            }
        }
        paths = folders.flatMap(Self.libraries)
        paths += ["libonnxruntime.so", "libonnxruntime.so.1"]
        named = false
    }

    /// The libraries in a folder: the plain name first, then the newest version by name.
    private static func libraries(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: entry.pointee.d_name) { start in
                start.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix("libonnxruntime.so") { names.append(name) }
        }
        names.sort { $0 == "libonnxruntime.so" || ($1 != "libonnxruntime.so" && $0 > $1) }
        return names.map { folder + "/" + $0 }
    }

    private static var executable: String? {
        guard let path = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }
}
