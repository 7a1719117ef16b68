package story

import (
	"context"
	"strings"

	"muster/internal/arn"

	"github.com/rogpeppe/go-internal/testscript"
)

// aloneCommand: alone NAME… lets the operator sign accounts up that belong to
// no organization, sets $NAME to their ids and makes their administrators
// profiles of their names.
func aloneCommand(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	for _, name := range args {
		id, err := w.standAlone(name)
		if err != nil {
			ts.Fatalf("alone %s: %v", name, err)
		}
		ts.Setenv(strings.ToUpper(name), id)
	}
}

func (w *world) standAlone(name string) (string, error) {
	op := w.server.Operator()
	id, err := op.CreateAccount(context.Background(), name, name+"@example.com")
	if err != nil {
		return "", err
	}
	root, err := op.IssueRootKey(context.Background(), id)
	if err != nil {
		return "", err
	}
	w.profiles[name+"-root"] = credentials{root.ID, root.Secret, ""}
	w.accounts[name] = string(id)
	return string(id), w.user(name, name+"-root", []string{"AdministratorAccess"})
}

// stateCommand: state NAME STATE lets the operator put an account that stood
// alone once into a state.
func stateCommand(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if err := w.server.Operator().SetAccountState(context.Background(), arn.AccountID(w.accounts[args[0]]), args[1]); err != nil {
		ts.Fatalf("state %v: %v", args, err)
	}
}
