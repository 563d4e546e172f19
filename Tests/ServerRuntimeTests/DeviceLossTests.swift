import EngineEmulated
import ServerCore
import ServerRuntime
import ServingDomain
import Testing

/// Devices that go away under load.
@Suite(.timeLimit(.minutes(2))) struct DeviceLossTests {
    @Test("Who ran on a lost device is told once; all others are served elsewhere")
    func lost() async throws {
        let control = EmulatedControl()
        control.set(EmulatedFaults(lost: nil))
        let definition = RuntimeFixture.echo(maxBatch: 1)
        let model = EmulatedModel(signature: definition.signature, control: control)
        let fixture = try await RuntimeFixture([(definition, model)]) { configuration in
            let devices = (0..<2).map {
                DeviceSpec(id: DeviceID(Int32($0)), name: "emu\($0)", kind: "emulated", units: 4)
            }
            configuration.core.devices = devices
            configuration.unitNumbers = [[0, 1, 2, 3], [0, 1, 2, 3]]
        }
        let before = try fixture.send(1)
        #expect(await before.exchange.ended().isServed)
        control.set(EmulatedFaults(lost: DeviceID(0)))
        let sent = try (0..<12).map { try fixture.send(UInt8($0)) }
        var failed = 0
        for (place, (exchange, _)) in sent.enumerated() {
            if case .failed(let reason) = await exchange.ended() {
                #expect(reason.contains("emu0 is lost"))
                failed += 1
            } else {
                #expect(exchange.output.allSatisfy { $0 == UInt8(place) })
            }
            #expect(exchange.endings == 1)
        }
        #expect(failed == 1)
        for value in UInt8(0)..<6 {
            let later = try fixture.send(value)
            #expect(await later.exchange.ended().isServed)
        }
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("When the last device is lost, who waited and who comes later is told which, and why")
    func nothingLeft() async throws {
        let control = EmulatedControl()
        let definition = RuntimeFixture.echo(maxBatch: 1)
        let model = EmulatedModel(signature: definition.signature, control: control)
        let fixture = try await RuntimeFixture([(definition, model)])
        #expect(fixture.runtime.isReady)
        control.close()
        let running = try fixture.send(1)
        await control.blocked(atLeast: 1)
        let waiting = try (0..<6).map { try fixture.send(UInt8($0)) }
        control.set(EmulatedFaults(lost: DeviceID(0)))
        control.open()
        #expect(await running.exchange.ended().isServed)
        var reasons: [String] = []
        for (exchange, _) in waiting {
            guard case .failed(let reason) = await exchange.ended() else {
                Issue.record("a lost device served, or the request was not failed")
                continue
            }
            reasons.append(reason)
            #expect(exchange.endings == 1)
        }
        // One ran into it and brings the engine's own words.
        let lost = "emulated device emu0 is lost; restart the server"
        let left = "device emu0 was lost and no device is left to run models: " + lost
        #expect(reasons.sorted() == Array(repeating: left, count: 5) + [lost])
        let later = try fixture.send(9)
        #expect(await later.exchange.ended() == .noDevice(left))
        #expect(!fixture.runtime.isReady)
        let metrics = String(decoding: fixture.runtime.metricsText(), as: UTF8.self)
        #expect(metrics.contains("\nsluice_devices_lost_total 1.0\n"))
        #expect(metrics.contains("\nsluice_ready 0\n"))
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }
}
