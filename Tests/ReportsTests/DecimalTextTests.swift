import Reports
import Testing

/// Numbers look the same everywhere, and no number breaks a report.
@Suite struct DecimalTextTests {
    @Test("Decimals are rounded half away from zero and padded")
    func rounding() {
        #expect(DecimalText.fixed(1.005, places: 1) == "1.0")
        #expect(DecimalText.fixed(2.5, places: 0) == "3")
        #expect(DecimalText.fixed(-0.25, places: 1) == "-0.3")
        #expect(DecimalText.fixed(-0.01, places: 1) == "0.0")
        #expect(DecimalText.fixed(3.02, places: 3) == "3.020")
    }

    @Test("What is no number says so")
    func hostile() {
        #expect(DecimalText.fixed(.nan, places: 2) == "n/a")
        #expect(DecimalText.fixed(.infinity, places: 2) == "n/a")
        #expect(DecimalText.fixed(1e300, places: 2) == 1e300.description)
    }
}
