import Foundation
import Testing

/// The rules of the house that a compiler does not know.
@Suite struct TidyTests {
    static let pure = [
        "ServingDomain", "ServerCore", "Planning", "VirtualDevices", "Workloads", "Simulation",
        "Reports",
    ]

    @Test("Pure rooms import nothing but each other and the libraries that they may")
    func pureImports() {
        let rooms: [String: Set<String>] = [
            "ServingDomain": [],
            "ServerCore": [
                "ServingDomain", "DequeModule", "HeapModule", "OrderedCollections",
                "BasicContainers", "RealModule",
            ],
            "Planning": [
                "ServingDomain", "DequeModule", "HeapModule", "OrderedCollections", "RealModule",
            ],
            "VirtualDevices": ["ServingDomain", "RealModule"],
            "Workloads": ["ServingDomain", "RealModule"],
            "Reports": [],
            "Simulation": [
                "ServingDomain", "ServerCore", "Planning", "VirtualDevices", "Workloads",
                "RealModule",
            ],
            "Experiments": [
                "Simulation", "ServingDomain", "ServerCore", "Planning", "VirtualDevices",
                "Workloads", "Reports", "RealModule",
            ],
        ]
        for file in SourceTree.files(below: "Sources") {
            guard let allowed = rooms[file.room] else { continue }
            for line in file.code {
                guard let name = imported(by: line) else { continue }
                #expect(allowed.contains(name), "\(file.path) imports \(name)")
            }
        }
    }

    @Test("Pure rooms name no clock, no dice, no lock, no output and no asynchrony")
    func pureWords() {
        let forbidden = [
            "ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", ".random(",
            ".shuffled()", "Mutex<", "Atomic<", "await ", "async ", "Task {", " print(",
            "debugPrint(", "Date(", "Hasher(", ".hashValue", "DispatchQueue", "UnsafeMutable",
        ]
        // The one owner of raw memory: what every record of the core's state stands in.
        let exceptions = ["Sources/ServerCore/State/Table.swift": "UnsafeMutable"]
        for file in SourceTree.files(below: "Sources") where Self.pure.contains(file.room) {
            for (number, line) in file.code.enumerated() {
                for word in forbidden where exceptions[file.path] != word {
                    let found = line.contains(word)
                    #expect(!found, "\(file.path):\(number + 1) names \(word)")
                }
            }
        }
    }

    @Test("Libraries stay in the rooms that they were let into")
    func libraryPlaces() {
        let places: [String: Set<String>] = [
            "SwiftProtobuf": [
                "WireMessages", "GRPCFront", "ModelRepository", "ModelZoo", "LoadGenerator",
            ],
            "Yams": ["Documents"],
            "CZlib": ["HTTPFront", "GRPCFront"],
            "CONNXRuntime": ["EngineONNX"],
            "CCUDADriver": ["EngineONNX"],
            "NIOSSL": ["Transport"],
            "NIOCore": [
                "HTTPFront", "GRPCFront", "Transport", "LoadGenerator", "sluice",
            ],
            "NIOPosix": ["HTTPFront", "GRPCFront", "Transport", "LoadGenerator", "sluice"],
        ]
        for file in SourceTree.files(below: "Sources") {
            for line in file.code {
                guard let name = imported(by: line), let rooms = places[name] else { continue }
                #expect(rooms.contains(file.room), "\(file.path) imports \(name)")
            }
        }
    }

    @Test("Files, functions and lines stay short enough to read")
    func sizes() {
        for (folder, cap) in [("Sources", 400), ("Tests", 800)] {
            for file in SourceTree.files(below: folder) {
                #expect(file.lines.count <= cap + 1, "\(file.path) has over \(cap) lines")
                for (number, line) in file.lines.enumerated() where line.count > 100 {
                    Issue.record("\(file.path):\(number + 1) has over 100 columns")
                }
                guard folder == "Sources" else { continue }
                for (name, length) in functions(of: file) where length > 60 {
                    Issue.record("\(file.path): \(name) has \(length) lines, 60 are the limit")
                }
            }
        }
    }

    @Test("Public symbols say what they are")
    func documentation() {
        let declaration =
            #/
            ^\s*(?:@\w+(?:\([^)]*\))?\s+)*public\s
            (?:(?:private\(set\)|static|final|indirect|mutating|nonisolated)\s)*
            (struct|class|enum|protocol|actor|func|var|let|init|subscript|typealias)\b
            /#
        // What the language or a protocol already explains.
        let evident =
            ["static func <", "static func ==", "static func +", "static func -"]
            + ["static func *", "func hash(", "let index: Int32", "init(_ index: Int32)"]
        for file in SourceTree.files(below: "Sources") where file.room != "sluice" {
            for (number, line) in file.lines.enumerated() {
                guard line.contains("public "), line.firstMatch(of: declaration) != nil
                else { continue }
                if evident.contains(where: { line.contains($0) }) { continue }
                let isExplained = hasComment(above: number, in: file.lines)
                #expect(isExplained, "\(file.path):\(number + 1) has no documentation comment")
            }
        }
    }

    @Test("What bypasses the compiler's checks carries its proof beside it")
    func proofs() {
        let dangerous = [
            "try!", " as! ", "@unchecked Sendable", "nonisolated(unsafe)", "fatalError(",
        ]
        for file in SourceTree.files(below: "Sources") {
            for (number, line) in file.code.enumerated() {
                guard dangerous.contains(where: { line.contains($0) }) else { continue }
                let near = file.lines[max(0, number - 3)...min(number + 4, file.lines.count - 1)]
                let isProven = near.contains { $0.contains("Safe:") }
                #expect(isProven, "\(file.path):\(number + 1) has no line 'Safe: ...' beside it")
            }
        }
    }

    @Test("No unfinished business and no drawers for odds and ends")
    func leftovers() {
        let drawers = ["Utils", "Helpers", "Common", "Manager", "Base", "Placeholder"]
        for file in SourceTree.files(below: "Sources") + SourceTree.files(below: "Tests") {
            let name = file.path.split(separator: "/").last ?? ""
            for drawer in drawers where name.hasPrefix(drawer) || name.contains("\(drawer).swift") {
                Issue.record("\(file.path) is a drawer, not a noun")
            }
            guard file.room != "TidyTests" else { continue }
            for (number, line) in file.lines.enumerated() {
                for word in ["TODO", "FIXME", "HACK"] where line.contains(word) {
                    Issue.record("\(file.path):\(number + 1) says \(word)")
                }
            }
        }
    }

    private func imported(by line: String) -> String? {
        guard line.contains("import ") else { return nil }
        let pattern =
            #/
            ^\s*(?:@\w+\s+)*(?:(?:public|internal|package|private)\s)?import\s
            (?:(?:struct|class|func|enum)\s)?(\w+)
            /#
        return line.firstMatch(of: pattern).map { String($0.1) }
    }

    /// Whether the lines above a declaration (attributes skipped) end in a `///` comment.
    private func hasComment(above number: Int, in lines: [Substring]) -> Bool {
        var place = number - 1
        while place >= 0 {
            let line = lines[place].drop { $0 == " " }
            if line.hasPrefix("///") { return true }
            guard line.hasPrefix("@") || line.hasPrefix("#if") else { return false }
            place -= 1
        }
        return false
    }

    /// Whether a declaration opens a body before the next blank line or comment.
    private func hasBody(from number: Int, in lines: [Substring]) -> Bool {
        for line in lines[number...].prefix(30) {
            if line.hasSuffix("{") || line.hasSuffix(" }") { return true }
            if line.isEmpty || line.drop(while: { $0 == " " }).hasPrefix("///") { return false }
        }
        return false
    }

    /// The functions of a file with their length, by indentation: the formatter keeps it honest.
    private func functions(of file: SourceTree.File) -> [(String, Int)] {
        let head =
            #/
            ^(\s*)(?:@\w+(?:\([^)]*\))?\s+)*
            (?:[a-z]+(?:\([a-z]+\))?\s)*(?:func\s\S+|init\??\()
            /#
        var found: [(String, Int)] = []
        var open: (name: String, indent: Substring, line: Int)?
        for (number, line) in file.lines.enumerated() {
            if let current = open, line.hasPrefix("\(current.indent)}"),
                !line.hasPrefix("\(current.indent)} ")
            {
                found.append((current.name, number - current.line + 1))
                open = nil
            } else if open == nil, line.contains("func ") || line.contains("init"),
                let match = line.firstMatch(of: head), hasBody(from: number, in: file.lines)
            {
                open = (line.drop { $0 == " " }.prefix(60).description, match.1, number)
                if line.hasSuffix("}") { open = nil }
            }
        }
        return found
    }
}
