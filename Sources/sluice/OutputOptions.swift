import ArgumentParser
import Documents
import Foundation
import Reports

/// How results leave: as text, as JSON, as a page.
struct OutputOptions: ParsableArguments, Sendable {
    @Flag(help: "Print JSON.") var json = false
    @Option(help: "Write a report with pictures to this HTML file.") var report: String?

    /// Prints JSON or text, whichever was asked for.
    func print(json bytes: @autoclosure () -> [UInt8], text: @autoclosure () -> String) {
        let data = json ? Data(bytes()) : Data(text().utf8)
        FileHandle.standardOutput.write(data)
    }

    /// Writes the report, if one was asked for.
    func write(_ page: @autoclosure () -> Report) throws {
        guard let report else { return }
        do {
            try Data(page().html().utf8).write(to: URL(fileURLWithPath: report))
        } catch {
            throw CommandFailure(
                "the report can't be written to '\(report)': \(error.localizedDescription)"
            )
        }
    }

    /// A line for people about what goes on; silent where JSON or a pipe is wanted.
    func progress(_ line: String) {
        guard !json, isatty(FileHandle.standardError.fileDescriptor) == 1 else { return }
        Self.note("\r\(line)\u{1B}[K", end: "")
    }

    /// Takes the line about progress away.
    func endProgress() { progress("") }

    /// A line on standard error.
    static func note(_ line: String, end: String = "\n") {
        FileHandle.standardError.write(Data((line + end).utf8))
    }
}

/// Runs what reads documents; its errors are one line already.
func reading<Result>(_ body: () throws(DocumentError) -> Result) throws -> Result {
    do throws(DocumentError) { return try body() } catch { throw CommandFailure("\(error)") }
}
