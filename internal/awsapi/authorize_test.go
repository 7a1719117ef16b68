package awsapi

import (
	"context"
	"reflect"
	"testing"

	"muster/internal/awsapi/wire"
	"muster/internal/awsapi/wiretest"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/ecr"
	"muster/internal/awsmodel/iam"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/inspectorscan"
	"muster/internal/awsmodel/muster"
	"muster/internal/awsmodel/organizations"
	"muster/internal/awsmodel/sts"
	"pgregory.net/rapid"
)

func allow(context.Context, *awsmodel.Call, *awsmodel.Operation, any) error { return nil }

// everything implements every operation of every service with a handler that
// notes that it ran and answers with an empty output.
func everything(ran *string) []awsmodel.Service {
	var out []awsmodel.Service
	for _, handlers := range []any{new(ecr.Handlers), new(iam.Handlers), new(inspector2.Handlers), new(inspectorscan.Handlers), new(muster.Handlers), new(organizations.Handlers), new(sts.Handlers)} {
		v := reflect.ValueOf(handlers).Elem()
		for i := range v.NumField() {
			name, typ := v.Type().Field(i).Name, v.Field(i).Type()
			v.Field(i).Set(reflect.MakeFunc(typ, func([]reflect.Value) []reflect.Value {
				*ran += name
				return []reflect.Value{reflect.New(typ.Out(0).Elem()), reflect.Zero(typ.Out(1))}
			}))
		}
		out = append(out, handlers.(interface{ Service() awsmodel.Service }).Service())
	}
	return out
}

// validCall is a good request for the operation.
func validCall(m *awsmodel.Model, op *awsmodel.Operation) message {
	in := rapid.Custom(func(t *rapid.T) any { return wiretest.Input(t, m, op) }).Example(1)
	out := message{method: op.Method, url: "http://muster.example/", service: op.Service}
	switch m.Protocol {
	case awsmodel.Query, awsmodel.EC2:
		out.contentType, out.body = "application/x-www-form-urlencoded", wiretest.Form(m, op, in).Encode()
		return out
	case awsmodel.JSON11:
		out.contentType, out.target = "application/x-amz-json-1.1", m.TargetPrefix+"."+op.Name
	default:
		out.contentType, out.url = "application/json", "http://muster.example"+wiretest.Path(m, op, in)
	}
	body, err := wire.New(m, wire.DefaultLimits()).AppendJSON(nil, op.Input, in)
	if err != nil {
		panic(err)
	}
	out.body = string(body)
	return out
}

// TestNothingGoesRoundAuthorization calls every operation of every service,
// signed, unsigned and denied: a handler runs exactly when Authorize was asked
// about this very operation and allowed it.
func TestNothingGoesRoundAuthorization(t *testing.T) {
	var ran, asked string
	services := everything(&ran)
	l := newLab(t, services, func(c *Config) {
		inner := c.Authorize
		c.Authorize = func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
			asked += op.Name
			if ran != "" || reflect.TypeOf(in) != reflect.TypeOf(op.NewInput()) {
				t.Errorf("%s: asked too late, or about %T", op.Action(), in)
			}
			return inner(ctx, call, op, in)
		}
	})
	denied := &awsmodel.Fault{Code: "AccessDenied", Message: "no"}
	operations := 0
	for _, s := range services {
		for i := range s.Operations {
			op := &s.Operations[i]
			operations++
			m := validCall(s.Model, op)

			ran, asked, l.denied = "", "", denied
			a := l.do(t, signer{}.sign(t, m))
			if ran != "" || asked != op.Name || a.status == 200 {
				t.Errorf("%s denied: asked %q, ran %q, answered %d %s", op.Action(), asked, ran, a.status, a.body)
			}
			ran, asked = "", ""
			if a := l.do(t, m.request(t)); ran != "" || !op.Unsigned && asked != "" || a.status == 200 {
				t.Errorf("%s unsigned: asked %q, ran %q, answered %d %s", op.Action(), asked, ran, a.status, a.body)
			}
			ran, asked, l.denied = "", "", nil
			a = l.do(t, signer{}.sign(t, m))
			if ran != op.Name || asked != op.Name || a.status != 200 {
				t.Errorf("%s allowed: asked %q, ran %q, answered %d %s", op.Action(), asked, ran, a.status, a.body)
			}
			ran, asked = "", ""
			if a := l.do(t, signer{secret: "guess"}.sign(t, m)); ran != "" || asked != "" || a.status == 200 {
				t.Errorf("%s signed wrongly: asked %q, ran %q, answered %d %s", op.Action(), asked, ran, a.status, a.body)
			}
		}
	}
	if operations < 380 {
		t.Errorf("only %d operations were tried", operations)
	}
}
