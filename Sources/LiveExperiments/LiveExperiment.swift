public import Experiments
import LoadGenerator
public import Reports

/// Real servers under real load: what the three layers do together, measured on this machine.
///
/// Every part starts servers of its own on 127.0.0.1, drives them in open loops (latency counts
/// from the intended time) and ends them. A system that a server refuses to run is a row without
/// a number and a line that says why; a claim that fails is shown as failing.
public struct LiveExperiment: Sendable {
    /// What came out.
    public struct Outcome: Sendable {
        /// Numbers and checks of all parts.
        public var result: ExperimentResult
        /// The same as a page with pictures.
        public var report: Report
    }

    private let options: LiveOptions

    /// Sets up a run.
    public init(_ options: LiveOptions) { self.options = options }

    /// Runs all parts that are wanted, one after the other; a part that fails does not keep the
    /// others from running. The folder of models and output is taken away in the end.
    ///
    /// - Throws: `LiveError` where nothing can be run at all, and `CancellationError`: servers
    ///   have been ended then, too.
    public func run() async throws -> Outcome {
        let place = try Workplace()
        defer { place.remove() }
        let clock = ContinuousClock()
        let began = clock.now
        var mix: LiveMix?
        var parts: [(part: LivePart, result: PartResult)] = []
        for part in options.parts {
            let elapsed = (clock.now - began) / .seconds(1)
            if options.parts.count > 1,
                elapsed + options.pace.estimate(of: part) > options.pace.limit
            {
                let seconds = Int(options.pace.limit)
                parts.append((part, .missing(part, "left out: \(seconds) s, the limit, are over")))
                continue
            }
            let left = options.parts.count > 1 ? timeLeft(after: part, elapsed) : .infinity
            let spare = max(0, left - options.pace.estimate(of: part))
            let repeats = Repeats(seconds: min(options.pace.repeats(of: part), spare))
            let bench = LiveBench(options: options, place: place, repeats: repeats)
            do {
                var result = try await Self.run(part, bench, &mix, left)
                result.note(repeats, part)
                parts.append((part, result))
            } catch let error as CancellationError {
                throw error
            } catch {
                try Task.checkCancellation()
                parts.append((part, .missing(part, "\(error)")))
            }
        }
        return outcome(parts, seconds: (clock.now - began) / .seconds(1))
    }

    /// The seconds that a part may take if those behind it are to have theirs; the last, `g`, makes
    /// do with what is left.
    private func timeLeft(after part: LivePart, _ elapsed: Double) -> Double {
        let later = options.parts.drop { $0 != part }.dropFirst().filter { $0 != .scaler }
        let reserved = later.reduce(0) { $0 + options.pace.estimate(of: $1) }
        return options.pace.limit - elapsed - reserved
    }

    private static func run(
        _ part: LivePart,
        _ bench: LiveBench,
        _ mix: inout LiveMix?,
        _ left: Double
    ) async throws -> PartResult {
        bench.say("(\(part.rawValue)) \(part.title)")
        switch part {
        case .rates: return try await RatePart(bench: bench, mix: six(&mix, bench)).run()
        case .fluctuation:
            return try await FluctuationPart(bench: bench, mix: six(&mix, bench)).run()
        case .protection:
            return try await ProtectionPart(bench: bench, mix: six(&mix, bench)).run()
        case .parity: return try await ParityPart(bench: bench).run()
        case .churn: return try await ChurnPart(bench: bench).run()
        case .emulated: return try await EmulatedPart(bench: bench).run()
        case .scaler:
            let count = bench.pace.networks(within: left)
            return try await ScalerPart(bench: bench, count: count).run()
        case .overhead: return try await OverheadPart(bench: bench).run()
        }
    }

    /// The six models, measured once for all parts.
    private static func six(_ mix: inout LiveMix?, _ bench: LiveBench) async throws -> LiveMix {
        if let mix { return mix }
        let measured = try await bench.sixModels()
        mix = measured
        return measured
    }

    private func outcome(
        _ parts: [(part: LivePart, result: PartResult)],
        seconds: Double
    ) -> Outcome {
        let result = ExperimentResult(
            experiment: "live",
            seed: options.seed,
            rows: parts.flatMap(\.result.rows),
            checks: parts.flatMap(\.result.checks)
        )
        var report = ResultReport.report(
            result,
            title: "Live: three layers on a real machine",
            facts: [
                .init("machine", HostLine.text()),
                .init("took", "\(Int(seconds)) s"),
            ]
        )
        for (part, result) in parts where !result.blocks.isEmpty {
            report.sections.append(
                Report.Section("(\(part.rawValue)) \(part.title)", result.blocks)
            )
        }
        return Outcome(result: result, report: report)
    }
}

extension PartResult {
    /// Adds what others took of the machine.
    fileprivate mutating func note(_ repeats: Repeats, _ part: LivePart) {
        let (letter, count) = (part.rawValue, Double(repeats.count))
        row("\(letter): steal time while measuring, at most", [:], repeats.worst, "%")
        row("\(letter): measured once more for steal time", [:], count, "times")
    }

    /// A part that gave nothing: a claim that does not hold, and why.
    static func missing(_ part: LivePart, _ why: String) -> PartResult {
        var result = PartResult()
        result.check(
            "\(part.rawValue): \(part.title)",
            goal: "it runs",
            value: nil,
            holds: false,
            note: why
        )
        return result
    }
}
