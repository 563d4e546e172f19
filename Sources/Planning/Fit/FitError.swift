/// Why something could not be fitted.
package struct FitError: Error, Hashable, Sendable {
    /// One line: what, the limit, the next step.
    package let message: String

    /// Creates an error from its one line.
    package init(_ message: String) { self.message = message }
}
