import ServerCore
import ServingDomain
import VirtualDevices

/// Batches that an engine does not end when it is told to.
extension Simulator {
    /// The core has given an instance up; its batch goes on until the engine comes back.
    mutating func abandonInstance(_ id: InstanceID) {
        let place = id.position
        if instances[place].state == .ready {
            gpulets[instances[place].gpulet.position].instances -= 1
        }
        instances[place].state = .leaving
        for slot in flights.indices where flights[slot].isLive && flights[slot].instance == id {
            strays.append(flights[slot])
            // The core may use the place again.
            flights[slot] = Flight()
        }
        leaveIfStopped(id)
    }

    /// An engine of `model` listens again: what it was told to end has ended.
    mutating func hear(_ model: ModelID) {
        for slot in flights.indices where flights[slot].isLive && flights[slot].isDeaf {
            guard instances[flights[slot].instance.position].model == model else { continue }
            flights[slot].isDeaf = false
            if flights[slot].job >= 0 { heap.note(.fail(flights[slot].batch), at: now) }
        }
        endStrays(where: { $0.model == model })
    }

    /// Ends the batches that the core has given up on instances that `matches`.
    mutating func endStrays(where matches: (InstanceSeat) -> Bool) {
        let all = strays
        strays.removeAll(keepingCapacity: true)
        for flight in all {
            guard matches(instances[flight.instance.position]) else {
                strays.append(flight)
                continue
            }
            if flight.job >= 0 { cluster.abort(flight.job, at: now) }
            instances[flight.instance.position].isBusy = false
            leaveIfStopped(flight.instance)
        }
    }
}
