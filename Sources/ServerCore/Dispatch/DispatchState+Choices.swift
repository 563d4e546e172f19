package import ServingDomain

/// Questions that several policies ask.
extension DispatchState {
    /// Whether a paused batch on `gpulet` may have a slot again.
    package func mayResume(on gpulet: GpuletID) -> Bool {
        let record = gpulets[gpulet.position]
        return record.running < record.slots && (record.state == .open || record.state == .draining)
    }

    /// The items that `launch` would take.
    package func items(of launch: Launch) -> Int32 {
        var request = head(of: launch.queue)
        for _ in 0..<launch.skip { request = waiting.next(after: request) }
        var items: Int32 = 0
        for _ in 0..<launch.count where request >= 0 {
            items &+= requests[Int(request)].items
            request = waiting.next(after: request)
        }
        return items
    }
}
