package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// writerVariable makes this test binary the writer of TestKilledWriter.
const writerVariable = "MUSTER_STORE_TEST_WRITER"

func TestMain(m *testing.M) {
	if url := os.Getenv(writerVariable); url != "" {
		fmt.Fprintln(os.Stderr, writeForever(url))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever commits pairs of rows and a job with each, several at a time,
// and prints the number of a pair once it is acknowledged.
func writeForever(url string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for worker := range writers {
		go func() {
			for i := worker; ; i += writers {
				if err := s.Update(ctx, func(tx *store.Tx) error { return putPair(ctx, tx, i) }); err != nil {
					failed <- err
				}
				fmt.Println(i)
			}
		}()
	}
	return <-failed
}

const writers = 4

func putPair(ctx context.Context, tx *store.Tx, i int) error {
	for _, half := range []string{"left", "right"} {
		if err := put(ctx, tx, fmt.Sprint(half, " ", i), "x"); err != nil {
			return err
		}
	}
	return tx.Enqueue(ctx, store.Job{Kind: "k", Key: fmt.Sprint(i)})
}

// TestKilledWriter: a process is killed while it writes. What it acknowledged
// is there, nothing is there by half, and the next process just starts.
func TestKilledWriter(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		for range 3 {
			acknowledged := killWriter(t, url, 50)
			s := storetest.Open(t, url, store.Options{})
			left, right, jobs := countPairs(t, s)
			if left != right || left != jobs {
				t.Errorf("halves: %d left, %d right, %d jobs", left, right, jobs)
			}
			if left < len(acknowledged) || left > len(acknowledged)+2*writers {
				t.Errorf("%d pairs, %d were acknowledged", left, len(acknowledged))
			}
			for _, i := range acknowledged {
				if value(t, s, "right "+i) == "" {
					t.Errorf("pair %s was acknowledged and is not there", i)
				}
			}
			update(t, s, func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), `DELETE FROM settings`)
				if err == nil {
					_, err = tx.Exec(t.Context(), `DELETE FROM jobs`)
				}
				return err
			})
		}
	})
}

// killWriter starts a writer, kills it after some acknowledgements and
// returns all that it made.
func killWriter(t *testing.T, url string, after int) (acknowledged []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerVariable+"="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		acknowledged = append(acknowledged, lines.Text())
		if len(acknowledged) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if len(acknowledged) < after {
		t.Fatalf("the writer ended after %d", len(acknowledged))
	}
	return acknowledged
}

// countPairs counts in one snapshot, because PostgreSQL may still be at work
// on what the killed process sent last.
func countPairs(t *testing.T, s *store.Store) (left, right, jobs int) {
	t.Helper()
	err := s.View(t.Context(), func(tx *store.Tx) error {
		return store.One(tx.QueryRow(t.Context(), `SELECT
			(SELECT COUNT(*) FROM settings WHERE name LIKE 'left %'),
			(SELECT COUNT(*) FROM settings WHERE name LIKE 'right %'),
			(SELECT COUNT(*) FROM jobs)`), &left, &right, &jobs)
	})
	if err != nil {
		t.Fatal(err)
	}
	return left, right, jobs
}
