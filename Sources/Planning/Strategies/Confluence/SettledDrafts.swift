/// What settling drafts came to, for a search that meets the same draft many times.
///
/// A search takes few devices apart and fills them anew in another order, hundreds of times; with
/// few models most of what it tries on the way it has tried before. Settling depends on nothing
/// but the draft and a problem's offers and wants, so an answer holds for as long as those do.
/// Bounded: what does not fit any more is worked out each time, and so is everything where too few
/// drafts come again. Not for several threads at once.
final class SettledDrafts {
    /// What is asked.
    struct Question: Hashable {
        /// The draft before.
        var draft: DeviceDraft
        /// The gpulet that changed.
        var changed: Int
        /// Whether lanes may lose a part of their rate.
        var maySlow: Bool
    }

    /// What came of it.
    enum Answer {
        /// All seats keep their rates, or lose what they may.
        case settled(DeviceDraft)
        case impossible
    }

    /// Answers that are kept.
    static let limit = 4_096
    /// After so many questions at least every other one must have been answered.
    static let trial = 256

    private var answers: [Question: Answer] = [:]
    private var asked = 0, found = 0

    /// Whether asking is worth it.
    var isOfUse: Bool { asked < Self.trial || 2 * found >= asked }

    /// What is known of a question; nil = nothing.
    func answer(to question: Question) -> Answer? {
        asked += 1
        let answer = answers[question]
        if answer != nil { found += 1 }
        return answer
    }

    /// Keeps an answer, if there is room.
    func keep(_ answer: Answer, of question: Question) {
        guard answers.count < Self.limit else { return }
        answers[question] = answer
    }
}
