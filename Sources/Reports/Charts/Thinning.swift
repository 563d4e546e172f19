/// Fewer points that look the same: a file's size must not grow with the length of a run.
enum Thinning {
    /// At most about `limit` of the points, in order.
    ///
    /// The points are cut into stretches, and of each the lowest, the highest and one that leaves
    /// a gap are kept, so that no peak and no gap disappears. Cost: O(n).
    static func thinned(_ points: [Series.Point], to limit: Int) -> [Series.Point] {
        precondition(limit >= 8)
        guard points.count > limit else { return points }
        let stretches = limit / 3
        var kept: [Series.Point] = []
        kept.reserveCapacity(limit + 2)
        for stretch in 0..<stretches {
            let begin = points.count * stretch / stretches
            let end = points.count * (stretch + 1) / stretches
            var lowest: Int?
            var highest: Int?
            var gap: Int?
            for place in begin..<end {
                let level = points[place].y
                guard level.isFinite, points[place].x.isFinite else {
                    gap = gap ?? place
                    continue
                }
                if lowest.map({ level < points[$0].y }) ?? true { lowest = place }
                if highest.map({ level > points[$0].y }) ?? true { highest = place }
            }
            var places = [lowest, highest, gap].compactMap { $0 }
            if stretch == 0 { places.append(0) }
            if stretch == stretches - 1 { places.append(points.count - 1) }
            places.sort()
            for (order, place) in places.enumerated() where order == 0 || places[order - 1] != place
            {
                kept.append(points[place])
            }
        }
        return kept
    }
}
