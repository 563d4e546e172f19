import ServingDomain

/// Rules of epochs in the journal's form.
extension JournalBytes {
    mutating func append(_ rules: EpochRules) {
        append(rules.period.nanoseconds)
        append(rules.sample.nanoseconds)
        append(rules.weightMicro)
        append(rules.slowHeadroomMilli)
        append(rules.headroomMilli)
        append(rules.slowMilliRate)
        append(rules.peakMilli)
        append(rules.peakSamples)
        append(rules.jumpDeviations)
        append(rules.riseMilli)
        append(rules.riseMilliRate)
        append(rules.fallMilli)
        append(rules.fallEpochs)
        append(rules.idleMilliRate)
        append(rules.repartitionsOnFall)
        append(rules.leastRiseMilliRate)
        append(rules.floorMilliRate)
        append(rules.calm.nanoseconds)
        append(rules.feedsBack)
    }
}

extension JournalCursor {
    mutating func epochs() throws(JournalError) -> EpochRules {
        EpochRules(
            period: TimeSpan(nanoseconds: try signed()),
            sample: TimeSpan(nanoseconds: try signed()),
            weightMicro: try signed(),
            slowHeadroomMilli: try signed(),
            headroomMilli: try signed(),
            slowMilliRate: try signed(),
            peakMilli: try signed(),
            peakSamples: try small(),
            jumpDeviations: try small(),
            riseMilli: try signed(),
            riseMilliRate: try signed(),
            fallMilli: try signed(),
            fallEpochs: try small(),
            idleMilliRate: try signed(),
            repartitionsOnFall: try flag(),
            leastRiseMilliRate: try signed(),
            floorMilliRate: try signed(),
            calm: TimeSpan(nanoseconds: try signed()),
            feedsBack: try flag()
        )
    }
}
