package emulate

import (
	"sync"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
)

// TestCallersAreWhomTheyName: twelve digits are an account, all else the
// default; accounts begin once, also when many use them first at once.
func TestCallersAreWhomTheyName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		c := NewCallers(st, time.Now)
		var all sync.WaitGroup
		for key, want := range map[string]arn.AccountID{
			"111122223333": "111122223333", "000000000001": "000000000001", "": DefaultAccount, "testing": DefaultAccount,
			"1111222233334": DefaultAccount, "AKIAIOSFODNN7EXAMPLE": DefaultAccount, "١١١١٢٢٢٢٣٣٣٣": DefaultAccount, string(DefaultAccount): DefaultAccount,
		} {
			for range 4 {
				all.Go(func() {
					p, err := c.Principal(t.Context(), key)
					if err != nil || p.Account != want || p.ARN != want.Root() || p.Kind != arn.RootUser || p.AccessKeyID != "" {
						t.Errorf("%q is %+v, %v", key, p, err)
					}
				})
			}
		}
		all.Wait()
		err := st.View(t.Context(), func(tx *store.Tx) error {
			for id, email := range map[arn.AccountID]string{"111122223333": "111122223333@example.com", DefaultAccount: "master@example.com"} {
				a, err := directory.LookupAccount(t.Context(), tx, id)
				if err != nil || a.Email != email || a.State != directory.Active {
					t.Errorf("%s: %+v, %v", id, a, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
