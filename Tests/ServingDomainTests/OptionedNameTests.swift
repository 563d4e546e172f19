import ServingDomain
import Testing

/// Names with options, and what is said about names that there aren't.
@Suite struct OptionedNameTests {
    @Test("A name is read with its options in order")
    func reads() {
        let name = OptionedName("elastic:margins=released,order,share=a=b")
        #expect(name.name == "elastic")
        #expect(name.options.map(\.key) == ["margins", "order", "share"])
        #expect(name.options.map(\.value) == ["released", "true", "a=b"])
        #expect(OptionedName("edf").options == [])
        #expect(OptionedName("").name == "")
        #expect(OptionedName("edf:").options == [])
    }

    @Test("The nearest name is the one with the fewest edits, the first of equals")
    func nearest() {
        #expect(OptionedName.nearest(to: "edd", among: ["fifo", "edf"]) == "edf")
        #expect(OptionedName.nearest(to: "", among: ["fifo", "edf"]) == "edf")
        #expect(OptionedName.nearest(to: "ab", among: ["ac", "ad"]) == "ac")
        #expect(OptionedName.nearest(to: "x", among: []) == nil)
    }

    @Test("An unknown name is answered in one line with the nearest and all that there are")
    func unknown() {
        let line = OptionedName.unknown("policy", "efd", known: ["edf", "fifo"])
        #expect(line == "There is no policy 'efd'; did you mean 'edf'? Known: edf, fifo.")
    }
}
