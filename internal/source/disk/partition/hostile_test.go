package partition

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestWordsOfLVM: metadata of very many small blocks is refused before it
// fills the memory, also when they are spread over volumes.
func TestWordsOfLVM(t *testing.T) {
	var text strings.Builder
	for n := range 200_000 {
		fmt.Fprintf(&text, "a%x{}", n)
	}
	words := maxWords
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := parseSection([]byte(text.String()), &words); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 {
		t.Errorf("%d bytes", used)
	}
	if _, err := parseSection([]byte(text.String()), &words); err == nil || !strings.Contains(err.Error(), "more than 262144 values") {
		t.Errorf("the second volume: %v", err)
	}
	words = maxWords
	if _, err := parseSection([]byte(strings.Repeat("a{", 100_000)), &words); err == nil || !strings.Contains(err.Error(), "nested too deep") {
		t.Errorf("nested: %v", err)
	}
}
