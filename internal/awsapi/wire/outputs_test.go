package wire_test

import (
	"reflect"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/ec2"
	"muster/internal/awsmodel/ecr"
	"muster/internal/awsmodel/iam"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/inspectorscan"
	"muster/internal/awsmodel/muster"
	"muster/internal/awsmodel/organizations"
	"muster/internal/awsmodel/sts"
)

// outputType finds the type of an operation's output through the field of the
// Handlers struct.
func outputType(op awsmodel.Operation) reflect.Type {
	handlers := map[string]any{
		"ec2": ec2.Handlers{}, "ecr": ecr.Handlers{}, "iam": iam.Handlers{}, "inspector2": inspector2.Handlers{}, "inspector-scan": inspectorscan.Handlers{},
		"muster": muster.Handlers{}, "organizations": organizations.Handlers{}, "sts": sts.Handlers{},
	}
	f, _ := reflect.TypeOf(handlers[op.Service]).FieldByName(op.Name)
	return f.Type.Out(0).Elem()
}
