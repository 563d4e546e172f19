public import ServerRuntime

/// What `sluice check` says about a repository: for every model, the fields that are obeyed,
/// ignored, unknown or refused, and what is wrong.
public struct RepositoryCheck: Hashable, Sendable {
    /// The models that were looked at, sorted.
    public var models: [String]
    /// The lines, model by model, what is fatal first.
    public var rows: [CheckRow]

    /// Creates a report.
    public init(models: [String], rows: [CheckRow]) {
        self.models = models
        self.rows = rows
    }

    /// Looks at every model of a repository.
    ///
    /// - Parameters:
    ///   - repository: The repository.
    ///   - inspect: Tells what a model's file declares; answers nil where there is no engine, and
    ///     then names, types and shapes are not compared with the file.
    public static func of(
        _ repository: ModelRepository,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature? = { _ in nil }
    ) throws(SourceError) -> RepositoryCheck {
        var report = RepositoryCheck(models: try repository.names(), rows: [])
        for name in report.models {
            do throws(SourceError) {
                let folder = try repository.find(name)
                let reading = try repository.reading(folder, nil, inspect: inspect)
                report.add(name, reading)
            } catch {
                let finding = ConfigFinding("", .error, error.message)
                report.rows.append(CheckRow(model: name, source: "", finding: finding))
            }
        }
        return report
    }

    /// Looks at the text of one configuration alone, without its folder.
    ///
    /// - Returns: What becomes of every field that it sets.
    public static func fields(of text: [UInt8]) throws(TextError) -> [ConfigFinding] {
        let read = try ConfigReader.read(text, dialect: .protobufText)
        var findings = Findings()
        for field in read.unknown {
            let hint = field.nearest.map { "; did you mean '\($0)'?" } ?? ""
            findings.add(
                ConfigFinding(field.path, .unknown, "nobody knows it\(hint)", at: field.position)
            )
        }
        FieldReport.add(read.config, to: &findings)
        PlatformRule.check(read.config, &findings)
        _ = OwnSettings.map(read.config, RepositoryLimits(), &findings)
        return findings.all
    }

    /// The models that can't be served as they are, sorted.
    public var failing: [String] {
        let fatal = Set(rows.filter(\.finding.verdict.isFatal).map(\.model))
        return models.filter(fatal.contains)
    }

    private mutating func add(_ name: String, _ reading: ModelReader.Reading) {
        let fatal = reading.findings.filter(\.verdict.isFatal)
        let rest = reading.findings.filter { !$0.verdict.isFatal }
        for finding in fatal + rest {
            let source = finding.position == nil ? "" : reading.source
            rows.append(CheckRow(model: name, source: source, finding: finding))
        }
    }

    // MARK: Texts

    /// The report for people: a table per model and a line that sums it up.
    public func text() -> String {
        var out = ""
        for model in models {
            let mine = rows.filter { $0.model == model }
            let verdict = mine.contains { $0.finding.verdict.isFatal } ? "not servable" : "ok"
            out += "\(model): \(verdict)\n"
            let width = min(48, mine.map(\.finding.field.count).max() ?? 0)
            for row in mine {
                let finding = row.finding
                let place = finding.position.map { " (\(row.source):\($0.line))" } ?? ""
                out += "  " + Self.padded(finding.verdict.rawValue, 8)
                out += " " + Self.padded(finding.field, width)
                out += "  " + finding.note + place + "\n"
            }
        }
        let bad = failing.count
        out += "\(models.count) models, \(models.count - bad) servable, \(bad) not\n"
        return out
    }

    /// The report as one JSON object: `{"ok":...,"models":[{"model","ok","fields":[...]}]}`.
    public func json() -> String {
        let bad = Set(failing)
        let list = models.map { model in
            let fields = rows.filter { $0.model == model }.map(Self.json)
            return "{\"model\":\(Self.quoted(model)),\"ok\":\(!bad.contains(model)),"
                + "\"fields\":[\(fields.joined(separator: ","))]}"
        }
        return "{\"ok\":\(bad.isEmpty),\"models\":[\(list.joined(separator: ","))]}"
    }

    private static func json(_ row: CheckRow) -> String {
        let finding = row.finding
        var out = "{\"field\":\(quoted(finding.field)),"
        out += "\"verdict\":\"\(finding.verdict.rawValue)\",\"note\":\(quoted(finding.note))"
        if let position = finding.position {
            out += ",\"file\":\(quoted(row.source)),\"line\":\(position.line)"
            out += ",\"column\":\(position.column)"
        }
        return out + "}"
    }

    private static func quoted(_ text: String) -> String {
        String(decoding: ConfigJSON.quoted(text), as: UTF8.self)
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
