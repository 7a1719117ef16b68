package quota

import (
	"reflect"
	"strings"
	"testing"
)

func TestEveryLimitHasAName(t *testing.T) {
	if got, want := len(Names()), reflect.TypeFor[Limits]().NumField(); got != want {
		t.Errorf("%d names for %d limits", got, want)
	}
	for _, name := range Names() {
		l, err := Limits{}.With(map[string]int64{name: 7})
		if err != nil || l == (Limits{}) {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
}

func TestWhatIsNoLimitIsRefusedByName(t *testing.T) {
	for name, n := range map[string]int64{"acounts": 5, "accounts": -1, "units": 1_000_001} {
		if _, err := Default().With(map[string]int64{name: n}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%d: %v", name, n, err)
		}
	}
}

func TestDefaultsAreAWSsButForAccounts(t *testing.T) {
	aws, ours := AWS(), Default()
	if aws.Accounts != 10 || aws.Units != 2000 || aws.Depth != 5 || aws.Requests != 5 || aws.Closing != 3 ||
		aws.Closures != 250 || aws.ClosuresPercent != 20 || aws.ClosuresMax != 1000 {
		t.Errorf("AWS's defaults: %+v", aws)
	}
	ours.Accounts, ours.Migration = aws.Accounts, aws.Migration
	if ours != aws {
		t.Errorf("ours: %+v", ours)
	}
}

// TestClosures: 250 or a fifth, whichever is more, but at most 1,000.
func TestClosures(t *testing.T) {
	for accounts, want := range map[int]int{1: 250, 1250: 250, 2000: 400, 5000: 1000, 50_000: 1000} {
		if got := AWS().ClosuresOf(accounts); got != want {
			t.Errorf("%d accounts: %d closures, want %d", accounts, got, want)
		}
	}
}

// TestInvitationsADay: 20 or as many as there may be accounts.
func TestInvitationsADay(t *testing.T) {
	if got := AWS().InvitationsADay(); got != 20 {
		t.Errorf("AWS: %d", got)
	}
	if got := Default().InvitationsADay(); got != 50_000 {
		t.Errorf("ours: %d", got)
	}
}
