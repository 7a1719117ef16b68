package agent

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rest is how long the agent is watched while nothing happens.
const rest = time.Minute

// mostMemory is the agent's own bound (--max-memory), in MiB: the wall of its
// systemd unit stands well behind it.
const mostMemory = 128

// BenchmarkFootprint is what a running agent takes of a machine with 2,000
// packages of Debian and 300 of Python: while nothing happens, and for each
// change of the package database from the look to the server's answer.
func BenchmarkFootprint(b *testing.B) {
	if err := build(); err != nil {
		b.Fatal(err)
	}
	s, m := newServer(b, ""), newMachine(b, 1)
	a := s.account()
	m.install(many(0)...)
	for i := range 300 {
		name := fmt.Sprintf("project%03d", i)
		m.write(fmt.Sprintf("usr/lib/python3/dist-packages/%s-1.0.dist-info/METADATA", name), "Metadata-Version: 2.1\nName: "+name+"\nVersion: 1.0\n\n"+strings.Repeat("About it.\n", 500))
	}
	if code, out := m.enroll(s, newer, a.code()); code != 0 {
		b.Fatal(out)
	}
	p := m.run(program(newer))
	reports := func() int { return strings.Count(p.log.String(), "report done") }
	await := func(n int) {
		eventually(b, "a report", func() error {
			if reports() < n {
				return errors.New("none yet")
			}
			return nil
		})
	}
	await(1)
	time.Sleep(15 * time.Second) // it looks a second time after a change
	before := processorTime(b, p)
	time.Sleep(rest)
	idle, resident, own := processorTime(b, p)-before, memory(b, p, "VmRSS"), memory(b, p, "RssAnon")

	before, n := processorTime(b, p), reports()
	changes := 0
	for b.Loop() {
		changes++
		m.install(many(changes)...)
		await(n + changes)
	}
	b.ReportMetric(float64(idle)/float64(rest)*100, "%CPU-at-rest")
	b.ReportMetric(resident, "MiB-at-rest")
	b.ReportMetric(own, "MiB-own-at-rest")
	b.ReportMetric(float64(processorTime(b, p)-before)/float64(changes)/float64(time.Millisecond), "CPU-ms/report")
	peak := memory(b, p, "VmHWM")
	b.ReportMetric(peak, "MiB-at-the-peak")
	if peak > mostMemory {
		b.Errorf("the agent took %.0f MiB, more than its own bound", peak)
	}
	p.end(b, syscall.SIGTERM)
}

// many are 2,000 packages, of which one is of the version.
func many(version int) []string {
	list := []string{fmt.Sprintf("libfoo 1.0-%d", version+1)}
	for i := range 1999 {
		list = append(list, fmt.Sprintf("package-%04d 1.%d-1+deb12u1", i, i))
	}
	return list
}

// processorTime is what a process has used of processors so far.
func processorTime(t testing.TB, p *process) time.Duration {
	t.Helper()
	// Every thread has a line of its own.
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, task := range tasks {
		body, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", p.cmd.Process.Pid, task.Name()))
		if err != nil {
			continue // it has ended
		}
		n, err := strconv.ParseInt(strings.Fields(string(body))[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum)
}

// memory is a line of a process's status, in MiB.
func memory(t testing.TB, p *process, line string) float64 {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), line+":"); ok {
			n, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			return n / 1024
		}
	}
	t.Fatalf("no %s", line)
	return 0
}
