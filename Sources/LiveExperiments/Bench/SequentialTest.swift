import Foundation

/// Whether a share of requests is below a limit, decided as soon as enough of them have been seen.
///
/// Wald's sequential probability ratio test of half of the limit against twice of it, each kind of
/// error in at most one case of ten. Far from the limit a second of load is enough; close to it no
/// number of requests is, so whoever asks sets an end and then takes the share as it is.
///
/// In bursts violations come in clumps: one bad moment makes several, which say little more than
/// one would. The evidence is divided by the usual size of a clump (quasi-likelihood).
struct SequentialTest: Hashable, Sendable {
    /// What was found.
    enum Verdict: Hashable, Sendable {
        case below, above, open
    }

    /// The limit in per cent, in 0...50.
    let limitPercent: Double
    /// About how many violations come together; 1 = each by itself.
    var clump = 1.0

    private static let error = 0.1

    /// Judges `violated` of `judged` requests.
    func verdict(violated: Int, of judged: Int) -> Verdict {
        let (low, high) = (limitPercent / 200, limitPercent / 50)
        let kept = Double(judged - violated)
        let evidence =
            Double(violated) * log(high / low) + kept * log((1 - high) / (1 - low))
        let bound = clump * log((1 - Self.error) / Self.error)
        return evidence >= bound ? .above : evidence <= -bound ? .below : .open
    }
}
