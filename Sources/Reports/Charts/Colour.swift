/// What a mark's colour means; which colour that is, the style sheet says for light and dark.
public enum Colour: Hashable, Sendable {
    /// One of several equals: eight colours that differ for colour-blind people too, then the
    /// same eight again, dashed where lines are drawn.
    case series(Int)
    /// As it should be.
    case good
    /// Less than it should be.
    case warning
    /// As it must not be.
    case bad
    /// There, but not what is spoken of.
    case muted

    /// The colours that `series` has.
    static let seriesCount = 8

    /// The class that the style sheet knows.
    var cssClass: String {
        switch self {
        case .series(let place): "c\(place.magnitude % UInt(Self.seriesCount))"
        case .good: "cg"
        case .warning: "cw"
        case .bad: "cb"
        case .muted: "cm"
        }
    }

    /// Whether lines of this colour are dashed, because the same colour is there undashed.
    var isDashed: Bool {
        if case .series(let place) = self {
            return place.magnitude / UInt(Self.seriesCount) % 2 == 1
        }
        return false
    }
}
