package wire_test

import (
	"testing"

	"muster/internal/awsapi/wire"
	"muster/internal/awsapi/wiretest"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
)

// TestAbsentMembers pins what is sent of a state without an error and of lists
// that are empty.
func TestAbsentMembers(t *testing.T) {
	out := &inspector2.BatchGetAccountStatusOutput{Accounts: []inspector2.AccountState{{
		AccountId: "111122223333", State: &inspector2.State{Status: inspector2.StatusEnabled},
		ResourceState: &inspector2.ResourceState{
			Ec2: &inspector2.State{Status: inspector2.StatusDisabled, ErrorCode: inspector2.ErrorCodeInternalError, ErrorMessage: "broken"},
		},
	}}}
	const want = `{"accounts":[{"accountId":"111122223333","state":{"status":"ENABLED"},` +
		`"resourceState":{"ec2":{"status":"DISABLED","errorCode":"INTERNAL_ERROR","errorMessage":"broken"}}}]}`
	codec, op := operation(t, "inspector2", "BatchGetAccountStatus")
	got, err := codec.AppendJSON(nil, op.Output, out)
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func operation(t *testing.T, service, name string) (*wire.Codec, awsmodel.Operation) {
	t.Helper()
	for _, s := range wiretest.Services() {
		for _, op := range s.Operations {
			if s.Model.Name == service && op.Name == name {
				return wire.New(s.Model, wire.DefaultLimits()), op
			}
		}
	}
	t.Fatalf("%s has no operation %s", service, name)
	return nil, awsmodel.Operation{}
}
