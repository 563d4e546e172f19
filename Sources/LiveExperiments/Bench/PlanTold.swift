import Documents
import Foundation

/// A server's plan as it tells it: the plan, and its reasons in plain words.
struct PlanTold: Hashable, Sendable {
    /// The plan.
    var plan: PlanDocument
    /// Why, line by line.
    var reasons: [String]
    /// Why the last plan that was wanted was not made; nil where it was.
    var lastFailure: String?

    /// Reads the answer of `/v1/plan`. Members that are not known are skipped: other builds may
    /// tell more.
    ///
    /// - Throws: `LiveError` where there is no plan in it.
    init(json: [UInt8]) throws(LiveError) {
        guard
            let parsed = try? JSONSerialization.jsonObject(with: Data(json)) as? [String: Any],
            let part = parsed["plan"],
            let bytes = try? JSONSerialization.data(withJSONObject: part)
        else { throw LiveError("the server's plan can't be read; is it another build?") }
        do throws(DocumentError) {
            plan = try PlanDocument(reading: [UInt8](bytes), source: "the server's plan")
        } catch {
            throw LiveError("\(error)")
        }
        reasons = parsed["explanation"] as? [String] ?? []
        lastFailure = parsed["lastFailure"] as? String
    }

    /// Creates what a server might tell.
    init(plan: PlanDocument, reasons: [String] = []) {
        self.plan = plan
        self.reasons = reasons
    }

    /// The reasons that speak of a model.
    func reasons(of model: String) -> [String] {
        reasons.filter { $0.hasPrefix("\(model):") || $0.contains("'\(model)'") }
    }

    /// Such as `50 % mobilenet_v2(4) | 50 % resnet50(1) lenet(8)`, device by device.
    var sketch: String {
        plan.devices.map { device in
            device.gpulets.map { gpulet in
                let lanes = gpulet.lanes.map { lane in
                    let more = lane.instances > 1 ? "x\(lane.instances)" : ""
                    return "\(lane.model)(\(lane.batch)\(more))"
                }
                return "\(Int(gpulet.share.rounded())) % \(lanes.joined(separator: " "))"
            }
            .joined(separator: " | ")
        }
        .joined(separator: " || ")
    }
}
