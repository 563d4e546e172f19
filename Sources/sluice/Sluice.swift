import ArgumentParser
import Logging
@main struct Sluice: AsyncParsableCommand { }
