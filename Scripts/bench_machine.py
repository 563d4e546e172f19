"""What a process and the machine cost: processor time, resident memory, threads on cores."""
import os
import re

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid):
    """The process and all its children."""
    pids = [pid]
    for found in pids:
        try:
            for task in os.listdir(f"/proc/{found}/task"):
                children = open(f"/proc/{found}/task/{task}/children").read().split()
                pids += [int(child) for child in children if int(child) not in pids]
        except OSError:
            pass
    return pids


def cpu_seconds(pids):
    """User and system time of the processes so far."""
    total = 0
    for pid in pids:
        try:
            parts = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(parts[11]) + int(parts[12])
    return total / TICKS


def busy_seconds():
    """What all processors have worked so far."""
    values = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(values) - values[3] - values[4]) / TICKS


def rss_bytes(pid):
    """Resident memory of one process."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def resident_of(pid, pattern):
    """Resident bytes of the mappings whose file's name matches."""
    total, wanted = 0, False
    for line in open(f"/proc/{pid}/smaps"):
        head = re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)", line)
        if head:
            wanted = bool(re.search(pattern, head[1]))
        elif wanted and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def move_threads(pid, others, lanes, pattern):
    """Puts the threads whose name matches on the processors `lanes`, all others on `others`."""
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            name = open(f"/proc/{pid}/task/{task}/comm").read().strip()
            os.sched_setaffinity(int(task), lanes if re.match(pattern, name) else others)
        except OSError:
            pass


def describe():
    """One line about the machine, for the tables' captions."""
    model = "unknown processor"
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = int(open("/proc/meminfo").readline().split()[1]) / 2**20
    kernel = os.uname().release
    load = os.getloadavg()[0]
    return (f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {kernel}, "
            f"load average at the start {load:.1f}")
