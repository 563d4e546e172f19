import Testing

@testable import ServerRuntime

/// What the kernel's files say about the machine.
@Suite struct HostLoadTests {
    @Test("The busy ticks are all but idle and iowait; guests are counted in user already")
    func ticks() {
        let text = "cpu  100 20 30 800 50 1 2 3 40 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
        #expect(HostLoad.ticks(of: text) == .init(busy: 156, total: 1_006))
        #expect(HostLoad.ticks(of: "cpu  1 2 3 4\n") == .init(busy: 6, total: 10))
    }

    @Test("A file of another form is no look at all", arguments: ["", "cpu0 1 2 3 4", "cpu x y"])
    func otherForms(text: String) {
        #expect(HostLoad.ticks(of: text) == nil)
        #expect(HostLoad.memory(of: text) == .init(total: 0, used: 0))
    }

    @Test("Memory in use leaves out what the kernel would give up")
    func memory() {
        let text = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nCached: 500 kB\n"
        #expect(HostLoad.memory(of: text) == .init(total: 1_024_000, used: 409_600))
    }

    @Test("The share of this machine is one")
    func share() {
        let load = HostLoad()
        #expect((0...1).contains(load.processorShare()))
        let memory = HostLoad.memory()
        #expect(memory.used >= 0 && memory.used <= memory.total)
    }
}
