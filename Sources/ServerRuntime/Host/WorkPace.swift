import CHost

/// How eagerly the system runs a thread that does a batch's work.
public enum WorkPace: Hashable, Sendable {
    /// Like all else.
    case usual
    /// An eighth of a core that usual work wants as well.
    case eighth
    /// A thirtieth of it.
    case thirtieth
    /// Only what others leave, in the kernel's idle class.
    case leftovers

    /// The niceness that this is in the usual class.
    public var niceness: Int32 {
        switch self {
        case .usual, .leftovers: 0
        case .eighth: 9
        case .thirtieth: 15
        }
    }

    /// Lets the calling thread, which runs as usual, go on at this pace.
    func begin() {
        if self == .leftovers { host_give_way(true) } else { host_be_nice(niceness) }
    }

    /// Lets the calling thread run as usual again; `StarvationWatch` may have helped meanwhile.
    func end() {
        if self == .leftovers { host_give_way(false) }
        host_be_nice(0)
    }
}
