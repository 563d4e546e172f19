import OpenInference
import ServerRuntime
import ServingDomain

/// Turns what happened into a status (design, section 4, "Outcomes").
struct StatusMap: Sendable {
    /// Whether Triton's codes are wanted where they differ from ours.
    let tritonCompat: Bool

    /// The status of a request that the runtime ended.
    func status(_ ending: Ending) -> Status {
        switch ending {
        case .completed: .ok
        case .timedOut:
            missed("the client's timeout passed while the request ran; its result is thrown away")
        case .dropped(let reason): missed(text(reason))
        case .refused(let refusal): status(refusal)
        case .noDevice(let why): Status(.unavailable, why)
        case .failed(let why): Status(.internalError, why)
        case .cancelled: Status(.cancelled, "the client cancelled the request")
        }
    }

    /// The status of a request that was not admitted.
    func status(_ refusal: Refusal) -> Status {
        let overloaded = tritonCompat ? StatusCode.unavailable : .resourceExhausted
        return switch refusal {
        case .queueFull:
            Status(
                overloaded,
                tritonCompat
                    ? "Exceeds maximum queue size"
                    : "the model's queue is full; try again later or raise its max_queue_size"
            )
        case .hopeless:
            Status(
                overloaded,
                "by the forecast the deadline can't be met even if the request ran at once;"
                    + " try again later or allow more time"
            )
        case .notReady: Status(.unavailable, "the model is not ready; try again later")
        case .unloading: Status(.unavailable, "the model is being unloaded; load it first")
        case .draining: Status(.unavailable, "the server is draining; ask another one")
        case .noRoom: Status(.unavailable, "the server's request table is full; try again later")
        }
    }

    /// The status of a request that OpenInference could not take.
    func status(_ error: WireError) -> Status {
        let number = tritonCompat ? error.kind.tritonGRPCStatus : error.kind.grpcStatus
        return Status(StatusCode(rawValue: number) ?? .unknown, error.message)
    }

    /// The status of a name that leads to no model.
    func status(_ failure: LookupFailure, model: String, version: String) -> Status {
        switch failure {
        case .unknownModel:
            Status(
                .notFound,
                "Request for unknown model: '\(model)' is not found; see the repository index"
            )
        case .unknownVersion:
            Status(
                .notFound,
                "Request for unknown model: '\(model)' version \(version) is not found;"
                    + " see the repository index"
            )
        case .notReady(let why):
            Status(.unavailable, "model '\(model)' is not ready: \(why)")
        }
    }

    /// The status of a load or unload that failed.
    func status(_ error: SourceError) -> Status {
        switch error.kind {
        // Triton has no better word for a load of an unknown name.
        case .notFound: Status(tritonCompat ? .internalError : .notFound, error.message)
        case .invalid: Status(.invalidArgument, error.message)
        case .unsupported: Status(.unimplemented, error.message)
        case .unreadable: Status(.internalError, error.message)
        }
    }

    /// The status of a shared memory call that failed.
    func status(_ failure: SharedMemory.Failure) -> Status {
        switch failure.kind {
        case .disabled: Status(.unimplemented, failure.message)
        case .unknown: Status(.notFound, failure.message)
        case .exists: Status(.alreadyExists, failure.message)
        case .invalid: Status(.invalidArgument, failure.message)
        }
    }

    private func missed(_ message: String) -> Status {
        tritonCompat
            ? Status(.unavailable, "Request timeout expired")
            : Status(.deadlineExceeded, message)
    }

    private func text(_ reason: DropReason) -> String {
        switch reason {
        case .expired: "the deadline passed while the request waited; try again later"
        case .hopeless: "by the forecast the deadline can't be met any more; try again later"
        case .queueTimeout: "the time that requests may wait in the model's queue was up"
        }
    }
}
