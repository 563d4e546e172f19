import Documents
import Testing

@Suite struct DeviceMeasurementsTests {
    static var sample: DeviceMeasurements {
        var known = DeviceMeasurements(device: "h200")
        known.fingerprint = "driver 1"
        known.measured = "2026-11-26"
        known.copies = [
            .init(direction: .into, bytes: 4_096, ms: 0.012, samples: 21),
            .init(direction: .into, bytes: 2_000_000, ms: 0.06, samples: 21),
            .init(direction: .into, bytes: 4_000_000, ms: 0.11, samples: 21),
            .init(direction: .both, bytes: 4_000_000, ms: 0.125, samples: 21),
        ]
        known.gpulets = [.init(share: 6.25, createMs: 2.5, resizeMs: 4, destroyMs: 0.25)]
        return known
    }

    @Test("What is written is read as the same, and written as the same bytes")
    func roundTrip() throws {
        let bytes = Self.sample.json()
        let again = try DeviceMeasurements(reading: bytes, source: "d.json")
        #expect(again == Self.sample)
        #expect(again.json() == bytes)
    }

    @Test("The link is what the copies tell, and nothing where they tell nothing")
    func link() throws {
        let link = try #require(Self.sample.link)
        #expect(abs(link.gbps - 40) < 1e-9)
        #expect(abs(link.tauUs - 11.8976) < 1e-6)
        #expect(abs(link.bothWays - 0.88) < 1e-9)
        var flat = Self.sample
        flat.copies[2].ms = 0.05
        #expect(flat.link == nil)
        flat.copies = []
        #expect(flat.link == nil)
    }

    @Test("Wrong words and numbers are refused at their place")
    func wrong() {
        let texts: [(String, String)] = [
            (#"{"device":"d","copies":[{"direction":"up","bytes":1,"ms":1}]}"#, "in, out or both"),
            (#"{"device":"d","copies":[{"direction":"in","bytes":0,"ms":1}]}"#, "bytes"),
            (#"{"device":"d","gpulet":[]}"#, "gpulets"),
            (#"{"copies":[]}"#, "device"),
        ]
        for (text, hint) in texts {
            let error = #expect(throws: DocumentError.self) {
                try DeviceMeasurements(reading: Array(text.utf8), source: "d.json")
            }
            #expect(error?.description.contains(hint) == true, "\(text)")
        }
    }
}
