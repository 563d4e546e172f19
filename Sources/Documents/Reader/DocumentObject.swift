/// An object of a document whose keys have been checked.
public struct DocumentObject: Sendable {
    /// The object's place, for messages.
    public let node: DocumentNode
    private let entries: [(key: String, node: DocumentNode)]

    init(node: DocumentNode, entries: [(key: String, node: DocumentNode)]) {
        self.node = node
        self.entries = entries
    }

    /// The value of a key; nil where it is left out or null.
    public func optional(_ key: String) -> DocumentNode? {
        entries.first { $0.key == key && !$0.node.isNull }?.node
    }

    /// The value of a key that must be there.
    public func required(_ key: String) throws(DocumentError) -> DocumentNode {
        guard let node = optional(key) else { throw node.wrong("'\(key)' is missing") }
        return node
    }
}
