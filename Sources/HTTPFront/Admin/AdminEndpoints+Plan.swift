import OpenInference
import ServerRuntime

extension AdminEndpoints {
    /// `GET /v1/plan`: the plan that stands, and why. `POST`: what would be planned for a demand.
    func plan(_ demand: [UInt8]?) throws(WireError) -> HTTPReply {
        do throws(PlanQuestionError) {
            if let demand { return HTTPReply(body: try runtime.previewPlan(for: demand)) }
            return HTTPReply(body: try runtime.presentPlan())
        } catch {
            throw WireError(error.kind == .none ? .unavailable : .invalidArgument, error.message)
        }
    }
}
