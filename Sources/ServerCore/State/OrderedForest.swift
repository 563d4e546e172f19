/// Many ordered sets over one array of nodes: the queues, and the lanes that could start.
///
/// Each tree is a treap: ordered by key, and a heap by a weight hashed from the node's number and
/// key, so it is balanced without a random generator and equal in every process. A heap alone
/// would not do: policies look at the first few in order without taking them out. Neighbours
/// are linked, so a step along the order costs O(1).
///
/// Cost: insert behind the last, remove the first: O(1) expected; anything else O(log n). No
/// allocation but in `grow`.
package struct OrderedForest: ~Copyable, Sendable {
    /// No node.
    package static let none: Int32 = -1

    /// One member of at most one tree.
    package struct Node: Sendable {
        var high: Int64 = 0
        var sequence: Int64 = 0
        var left = OrderedForest.none, right = OrderedForest.none, parent = OrderedForest.none
        var next = OrderedForest.none, previous = OrderedForest.none
        var weight: UInt32 = 0

        /// Both parts of the key in one number: one comparison without a branch. Positions in a
        /// tree are as good as random, so a branch would be guessed wrong at every other level.
        var key: Int128 {
            Int128(high) << 64 | Int128(UInt64(bitPattern: sequence ^ .min))
        }
    }

    /// One ordered set.
    package struct Tree: Sendable {
        /// The member with the smallest key.
        package private(set) var first = OrderedForest.none
        /// The member with the largest key.
        package private(set) var last = OrderedForest.none
        /// How many members there are.
        package private(set) var count: Int32 = 0
        fileprivate var root = OrderedForest.none

        /// Creates an empty set.
        package init() {}

        /// Whether nothing is in it.
        package var isEmpty: Bool { count == 0 }

        fileprivate mutating func link(first node: Int32) { first = node }
        fileprivate mutating func link(last node: Int32) { last = node }
        fileprivate mutating func count(by difference: Int32) { count += difference }
    }

    private var nodes: Table<Node>

    /// Creates a forest with `capacity` nodes, none of them in a tree.
    package init(capacity: Int) {
        nodes = Table(repeating: Node(), count: capacity)
    }

    /// Makes room for nodes below `capacity`; the only operation that allocates.
    package mutating func grow(to capacity: Int) {
        nodes.grow(to: capacity, with: Node())
    }

    /// The member behind `node` in its tree.
    package func next(after node: Int32) -> Int32 { nodes[Int(node)].next }

    /// The key that `node` was inserted with.
    package func key(of node: Int32) -> (high: Int64, sequence: Int64) {
        (nodes[Int(node)].high, nodes[Int(node)].sequence)
    }

    /// Whether `left` comes before `right`.
    package func precedes(_ left: Int32, _ right: Int32) -> Bool {
        nodes[Int(left)].key < nodes[Int(right)].key
    }

    /// Puts `node` into `tree`, by `high`, then by `sequence`.
    ///
    /// - Precondition: `node` is in no tree, and the key is in `tree` only once.
    package mutating func insert(
        _ node: Int32,
        high: Int64,
        sequence: Int64,
        into tree: inout Tree
    ) {
        var new = Node()
        new.high = high
        new.sequence = sequence
        new.weight = Self.weight(node, sequence)
        nodes[Int(node)] = new
        tree.count(by: 1)
        guard tree.root != Self.none else {
            tree.root = node
            tree.link(first: node)
            tree.link(last: node)
            return
        }
        if nodes[Int(tree.last)].key < nodes[Int(node)].key {
            Self.attach(node, rightOf: tree.last, &tree, &nodes)
        } else {
            Self.descend(node, &tree, &nodes)
        }
        while case let parent = nodes[Int(node)].parent, parent != Self.none,
            nodes[Int(parent)].weight < new.weight
        {
            Self.rotateUp(node, &tree, &nodes)
        }
    }

    /// Takes `node` out of `tree`.
    ///
    /// - Precondition: it is in `tree`.
    package mutating func remove(_ node: Int32, from tree: inout Tree) {
        precondition(tree.count > 0)
        Self.unthread(node, &tree, &nodes)
        while true {
            let (left, right) = (nodes[Int(node)].left, nodes[Int(node)].right)
            if left == Self.none || right == Self.none {
                Self.replaceLink(node, by: left == Self.none ? right : left, &tree, &nodes)
                break
            }
            let heavier = nodes[Int(left)].weight > nodes[Int(right)].weight ? left : right
            Self.rotateUp(heavier, &tree, &nodes)
        }
        tree.count(by: -1)
    }

    // MARK: Shape

    private typealias Nodes = Table<Node>

    private static func descend(_ node: Int32, _ tree: inout Tree, _ nodes: inout Nodes) {
        let key = nodes[Int(node)].key
        var place = tree.root
        while true {
            let isBefore = key < nodes[Int(place)].key
            let (left, right) = (nodes[Int(place)].left, nodes[Int(place)].right)
            let child = isBefore ? left : right
            guard child == Self.none else {
                place = child
                continue
            }
            return isBefore
                ? attach(node, leftOf: place, &tree, &nodes)
                : attach(node, rightOf: place, &tree, &nodes)
        }
    }

    private static func attach(
        _ node: Int32,
        leftOf place: Int32,
        _ tree: inout Tree,
        _ nodes: inout Nodes
    ) {
        nodes[Int(place)].left = node
        nodes[Int(node)].parent = place
        let before = nodes[Int(place)].previous
        nodes[Int(node)].previous = before
        nodes[Int(node)].next = place
        nodes[Int(place)].previous = node
        if before == Self.none { tree.link(first: node) } else { nodes[Int(before)].next = node }
    }

    private static func attach(
        _ node: Int32,
        rightOf place: Int32,
        _ tree: inout Tree,
        _ nodes: inout Nodes
    ) {
        nodes[Int(place)].right = node
        nodes[Int(node)].parent = place
        let behind = nodes[Int(place)].next
        nodes[Int(node)].next = behind
        nodes[Int(node)].previous = place
        nodes[Int(place)].next = node
        if behind == Self.none {
            tree.link(last: node)
        } else {
            nodes[Int(behind)].previous = node
        }
    }

    private static func unthread(_ node: Int32, _ tree: inout Tree, _ nodes: inout Nodes) {
        let (before, behind) = (nodes[Int(node)].previous, nodes[Int(node)].next)
        if before == Self.none {
            tree.link(first: behind)
        } else {
            nodes[Int(before)].next = behind
        }
        if behind == Self.none {
            tree.link(last: before)
        } else {
            nodes[Int(behind)].previous = before
        }
    }

    private static func rotateUp(_ node: Int32, _ tree: inout Tree, _ nodes: inout Nodes) {
        let parent = nodes[Int(node)].parent
        let isLeft = nodes[Int(parent)].left == node
        let inner = isLeft ? nodes[Int(node)].right : nodes[Int(node)].left
        if isLeft { nodes[Int(parent)].left = inner } else { nodes[Int(parent)].right = inner }
        if inner != Self.none { nodes[Int(inner)].parent = parent }
        replaceLink(parent, by: node, &tree, &nodes)
        if isLeft { nodes[Int(node)].right = parent } else { nodes[Int(node)].left = parent }
        nodes[Int(parent)].parent = node
    }

    /// Hangs `child` where `node` hangs now; `node` itself keeps its own links.
    private static func replaceLink(
        _ node: Int32,
        by child: Int32,
        _ tree: inout Tree,
        _ nodes: inout Nodes
    ) {
        let above = nodes[Int(node)].parent
        if above == Self.none {
            tree.root = child
        } else if nodes[Int(above)].left == node {
            nodes[Int(above)].left = child
        } else {
            nodes[Int(above)].right = child
        }
        if child != Self.none { nodes[Int(child)].parent = above }
    }

    private static func weight(_ node: Int32, _ sequence: Int64) -> UInt32 {
        let mixed =
            (UInt64(bitPattern: sequence) &+ UInt64(UInt32(bitPattern: node)))
            &* 0x9E37_79B9_7F4A_7C15
        return UInt32(truncatingIfNeeded: (mixed ^ (mixed >> 29)) &* 0xBF58_476D_1CE4_E5B9 >> 32)
    }
}
