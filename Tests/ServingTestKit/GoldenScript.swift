/// A text of commands with the answers that they are to get, one block after the other.
///
/// A block is one command per line, then `----`, then the answer; blank lines part blocks, lines
/// that begin with `#` are for readers.
public struct GoldenScript: Sendable {
    /// One block.
    public struct Block: Sendable {
        /// Comments and blank lines in front, as they stand.
        public var preamble: [String]
        /// The commands.
        public var commands: [String]
        /// The answer, line by line.
        public var answer: [String]
        /// The line of the first command, from 1.
        public var line: Int
    }

    /// The blocks in order.
    public var blocks: [Block] = []
    /// Comments behind the last block.
    public var closing: [String] = []

    /// Reads a script.
    public init(_ text: String) {
        var preamble: [String] = []
        var commands: [String] = []
        var answer: [String] = []
        var inAnswer = false
        var begin = 0
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for (number, line) in lines.enumerated() {
            if inAnswer, !line.isEmpty {
                answer.append(line)
                continue
            }
            if !commands.isEmpty, line.isEmpty {
                blocks.append(
                    Block(preamble: preamble, commands: commands, answer: answer, line: begin)
                )
                (preamble, commands, answer, inAnswer) = ([""], [], [], false)
            } else if line == "----" {
                inAnswer = true
            } else if line.isEmpty || line.hasPrefix("#") {
                preamble.append(line)
            } else {
                if commands.isEmpty { begin = number + 1 }
                commands.append(line)
            }
        }
        if !commands.isEmpty {
            blocks.append(
                Block(preamble: preamble, commands: commands, answer: answer, line: begin)
            )
        } else {
            closing = preamble
        }
    }

    /// The script as text, with the answers that the blocks have now.
    public var text: String {
        var lines: [String] = []
        for block in blocks { lines += block.preamble + block.commands + ["----"] + block.answer }
        return (lines + closing.reversed().drop { $0.isEmpty }.reversed()).joined(separator: "\n")
            + "\n"
    }
}
