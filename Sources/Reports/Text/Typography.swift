/// Estimates of how wide a text will be: drawings are laid out where no font can be asked.
enum Typography {
    /// The size of labels in drawings, in pixels.
    static let size = 12.0

    /// About how wide `text` is in a common sans-serif font; rather too wide than too narrow.
    static func width(_ text: String, size: Double = size) -> Double {
        var ems = 0.0
        for scalar in text.unicodeScalars {
            switch scalar {
            case "i", "j", "l", "t", "f", "I", ".", ",", ":", ";", "'", " ", "|": ems += 0.31
            case "m", "w", "M", "W", "%": ems += 0.86
            case _ where scalar.value >= 0x2E80: ems += 1.05
            case "A"..."Z": ems += 0.70
            case "0"..."9": ems += 0.63
            default: ems += 0.59
            }
        }
        return ems * size
    }

    /// `text`, cut with an ellipsis so that it takes at most `room` pixels.
    static func fitted(_ text: String, room: Double, size: Double = size) -> String {
        guard width(text, size: size) > room else { return text }
        var kept = ""
        var used = width("…", size: size)
        for character in text {
            let next = width(String(character), size: size)
            if used + next > room { break }
            used += next
            kept.append(character)
        }
        return kept + "…"
    }
}
