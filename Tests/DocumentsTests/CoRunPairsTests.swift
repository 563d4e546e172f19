import Documents
import Testing

@Suite("Measured pairs")
struct CoRunPairsTests {
    private static func pair(_ victim: String, beside: String, slowdown: String) -> String {
        """
        {"device":"cpu","pairs":[
          {"victim":\(victim),"beside":[\(beside)],"slowdown":\(slowdown),"samples":40}
        ]}

        """
    }

    private static let one = #"{"model":"a","batch":1,"share":50}"#
    private static let other = #"{"model":"b","batch":4,"share":50}"#

    @Test("Pairs read and write to the same bytes")
    func roundTrip() throws {
        let text = Self.pair(Self.one, beside: Self.other, slowdown: "1.12")
        var pairs = try CoRunPairs(reading: Array(text.utf8), source: "pairs.json")
        #expect(pairs.pairs.count == 1 && pairs.pairs[0].beside[0].model == "b")
        #expect(pairs.json() == Array(text.utf8))
        pairs.fingerprint = "f"
        pairs.measured = "2026-11-26"
        #expect(try CoRunPairs(reading: pairs.json(), source: "again") == pairs)
    }

    @Test("What is wrong is named: the field, and what it may be")
    func mistakes() {
        let wrong = [
            (Self.pair(Self.one, beside: "", slowdown: "1"), "beside"),
            (Self.pair(Self.one, beside: Self.other, slowdown: "-1"), "slowdown"),
            (
                Self.pair(#"{"model":"a","batch":0,"share":50}"#, beside: Self.one, slowdown: "1"),
                "batch"
            ),
            (
                Self.pair(#"{"model":"a","batch":1,"share":101}"#, beside: Self.one, slowdown: "1"),
                "share"
            ),
            (#"{"device":"cpu","pears":[]}"#, "pears"),
        ]
        for (text, field) in wrong {
            let error = #expect(throws: DocumentError.self) {
                try CoRunPairs(reading: Array(text.utf8), source: "pairs.json")
            }
            #expect(error.map { "\($0)".contains(field) } == true, "\(field)")
        }
    }
}
