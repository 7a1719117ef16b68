package functions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/functions"
)

// latest is the version that is scanned (scanning specification 1.7).
const latest = "$LATEST"

// PutFunction stores a function, or changes one: what the request leaves out
// stays as it is. It is scanned at once.
func (s *Service) PutFunction(ctx context.Context, call *awsmodel.Call, in *muster.PutFunctionInput) (*muster.PutFunctionOutput, error) {
	var code *archive
	if in.UploadId != nil {
		a, err := s.read(ctx, call, *in.UploadId)
		if err != nil {
			return nil, err
		}
		code = &a
	}
	var f functions.Function
	err := s.store.UpdateInLane(ctx, store.Catalog, func(tx *store.Tx) (err error) {
		f, err = functions.Lookup(ctx, tx, owner(call), in.FunctionName)
		fresh := errors.Is(err, store.ErrNotFound)
		if fresh {
			f, err = newFunction(call, in), complete(in)
		}
		if err != nil {
			return err
		}
		f.Resource.Function = described(f.Resource.Function, in, call.Time)
		if code != nil {
			if err := s.open(ctx, tx, call, *in.UploadId); err != nil {
				return err
			}
			f.Resource.Function.CodeSHA256, f.Content, f.Size, f.Packages = code.digest, code.content, code.size, code.packages
			if err := functions.DeleteUpload(ctx, tx, owner(call), *in.UploadId); err != nil {
				return err
			}
		}
		if in.Tags != nil {
			f.Resource.Tags = in.Tags
		}
		return s.put(ctx, tx, f, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &muster.PutFunctionOutput{Function: new(show(f))}, nil
}

func newFunction(call *awsmodel.Call, in *muster.PutFunctionInput) functions.Function {
	id := fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s:%s", call.Region, call.Account(), in.FunctionName, latest)
	return functions.Function{Owner: owner(call), Name: in.FunctionName, Resource: finding.Resource{
		Type: finding.LambdaFunction, ID: id, Tags: map[string]string{},
		Function: &finding.FunctionDetails{Name: in.FunctionName, Version: latest, PackageType: "ZIP", Architecture: "X86_64"},
	}}
}

// complete refuses a new function that is not described enough.
func complete(in *muster.PutFunctionInput) error {
	image := in.PackageType == muster.FunctionPackageTypeImage
	switch {
	case in.RoleArn == nil:
		return invalid("roleArn", "A new function needs its role.")
	case in.Runtime == nil && !image:
		return invalid("runtime", "A new function needs a runtime.")
	case in.UploadId == nil && !image:
		return invalid("uploadId", "A new function needs code.")
	}
	return nil
}

// described is what a function is after a request.
func described(before *finding.FunctionDetails, in *muster.PutFunctionInput, now time.Time) *finding.FunctionDetails {
	d := *before
	d.LastModifiedAt = now
	if in.Runtime != nil {
		d.RuntimeName = *in.Runtime
	}
	if in.RoleArn != nil {
		d.RoleARN = *in.RoleArn
	}
	if in.Layers != nil {
		d.Layers = in.Layers
	}
	if in.Architecture == muster.FunctionArchitectureArm64 {
		d.Architecture = "ARM64"
	} else if in.Architecture != "" {
		d.Architecture = "X86_64"
	}
	switch in.PackageType {
	case muster.FunctionPackageTypeImage:
		d.PackageType = "IMAGE"
	case muster.FunctionPackageTypeZip:
		d.PackageType = "ZIP"
	}
	if v := in.VpcConfig; v != nil {
		d.VPC, d.Subnets, d.SecurityGroups = "", v.SubnetIds, v.SecurityGroupIds
		if v.VpcId != nil {
			d.VPC = *v.VpcId
		}
	}
	// The image of a function is scanned in its repository, not here.
	d.Supported = d.PackageType == "ZIP" && isSupported(d.RuntimeName)
	d.Runtime = runtimeWord(d.RuntimeName)
	return &d
}

// put stores a function with what it holds now, and has it scanned.
func (s *Service) put(ctx context.Context, tx *store.Tx, f functions.Function, now time.Time) error {
	var code inventory.Inventory
	if len(f.Content) > 0 {
		var err error
		if code, err = unpack(f.Content); err != nil {
			return err
		}
	}
	whole, err := compose(ctx, tx, f.Owner, code, f.Resource.Function.Layers)
	if err != nil {
		return err
	}
	if f.Content == nil {
		f.Content = []byte{}
	}
	if err := functions.Put(ctx, tx, f); err != nil {
		return err
	}
	hash := whole.Hash()
	id, err := catalog.PutInventory(ctx, tx, &whole, hash, now)
	if err != nil {
		return err
	}
	r, err := catalog.PutResource(ctx, tx, f.Account, f.Region, f.Resource, now)
	if err != nil {
		return err
	}
	if err := catalog.SetInventory(ctx, tx, &r, id, hash, now, now); err != nil {
		return err
	}
	return s.scans.Changed(ctx, tx, &r, now)
}

// change changes what is known of a function, but not what it holds.
func (s *Service) change(ctx context.Context, call *awsmodel.Call, name string, do func(*finding.Resource) error) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		f, err := functions.Lookup(ctx, tx, owner(call), name)
		if errors.Is(err, store.ErrNotFound) {
			return unknownFunction(name)
		}
		if err != nil {
			return err
		}
		f.Resource.Function = new(*f.Resource.Function)
		if err := do(&f.Resource); err != nil {
			return err
		}
		if err := functions.Put(ctx, tx, f); err != nil {
			return err
		}
		r, err := catalog.PutResource(ctx, tx, f.Account, f.Region, f.Resource, call.Time)
		if err != nil {
			return err
		}
		return s.scans.Changed(ctx, tx, &r, call.Time)
	})
}

func unknownFunction(name string) error {
	return notFound("There is no function " + name + " in this account and Region.")
}

// mostTags is how many tags a function can have.
const mostTags = 50

// TagFunction adds tags to a function, or gives them other values.
func (s *Service) TagFunction(ctx context.Context, call *awsmodel.Call, in *muster.TagFunctionInput) (*muster.TagFunctionOutput, error) {
	err := s.change(ctx, call, in.FunctionName, func(r *finding.Resource) error {
		tags := map[string]string{}
		maps.Copy(tags, r.Tags)
		maps.Copy(tags, in.Tags)
		if len(tags) > mostTags {
			return invalid("tags", fmt.Sprintf("A function has at most %d tags.", mostTags))
		}
		r.Tags = tags
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &muster.TagFunctionOutput{}, nil
}

// UntagFunction removes tags from a function; those it does not have are passed
// over.
func (s *Service) UntagFunction(ctx context.Context, call *awsmodel.Call, in *muster.UntagFunctionInput) (*muster.UntagFunctionOutput, error) {
	err := s.change(ctx, call, in.FunctionName, func(r *finding.Resource) error {
		tags := map[string]string{}
		maps.Copy(tags, r.Tags)
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		r.Tags = tags
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &muster.UntagFunctionOutput{}, nil
}

// RecordFunctionInvocation notes that a function was invoked: functions that
// nobody uses or changes for ninety days are not scanned.
func (s *Service) RecordFunctionInvocation(ctx context.Context, call *awsmodel.Call, in *muster.RecordFunctionInvocationInput) (*muster.RecordFunctionInvocationOutput, error) {
	at := call.Time
	if in.InvokedAt != nil {
		at = *in.InvokedAt
	}
	if at.After(call.Time) {
		return nil, invalid("invokedAt", "The time is in the future.")
	}
	err := s.change(ctx, call, in.FunctionName, func(r *finding.Resource) error {
		if at.After(r.Function.LastInvokedAt) {
			r.Function.LastInvokedAt = at
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &muster.RecordFunctionInvocationOutput{}, nil
}

// DeleteFunction deletes a function; its findings close.
func (s *Service) DeleteFunction(ctx context.Context, call *awsmodel.Call, in *muster.DeleteFunctionInput) (*muster.DeleteFunctionOutput, error) {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		f, err := functions.Lookup(ctx, tx, owner(call), in.FunctionName)
		if errors.Is(err, store.ErrNotFound) {
			return unknownFunction(in.FunctionName)
		}
		if err != nil {
			return err
		}
		if err := functions.Delete(ctx, tx, f.Owner, f.Name); err != nil {
			return err
		}
		r, err := catalog.LookupResource(ctx, tx, catalog.Place{Account: f.Account, Region: f.Region, Type: f.Resource.Type, ID: f.Resource.ID})
		if err != nil {
			return err
		}
		return s.scans.Gone(ctx, tx, &r, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &muster.DeleteFunctionOutput{}, nil
}

// GetFunction describes a function.
func (s *Service) GetFunction(ctx context.Context, call *awsmodel.Call, in *muster.GetFunctionInput) (out *muster.GetFunctionOutput, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		f, err := functions.Lookup(ctx, tx, owner(call), in.FunctionName)
		if errors.Is(err, store.ErrNotFound) {
			return unknownFunction(in.FunctionName)
		}
		out = &muster.GetFunctionOutput{Function: new(show(f))}
		return err
	})
	return out, err
}

// ListFunctions lists the functions of the caller's account and Region by name.
func (s *Service) ListFunctions(ctx context.Context, call *awsmodel.Call, in *muster.ListFunctionsInput) (*muster.ListFunctionsOutput, error) {
	const operation = "ListFunctions"
	after, err := s.after(call, operation, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := size(in.MaxResults)
	var list []functions.Function
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		list, err = functions.List(ctx, tx, owner(call), after, limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &muster.ListFunctionsOutput{Functions: []muster.Function{}}
	if len(list) > limit {
		list = list[:limit]
		out.NextToken = new(s.pages.Seal(call, operation, nil, []byte(list[limit-1].Name)))
	}
	for _, f := range list {
		out.Functions = append(out.Functions, show(f))
	}
	return out, nil
}

func show(f functions.Function) muster.Function {
	d := f.Resource.Function
	out := muster.Function{
		FunctionName: f.Name, FunctionArn: f.Resource.ID, PackageType: muster.FunctionPackageTypeZip, Supported: d.Supported,
		LastModifiedAt: d.LastModifiedAt, Layers: d.Layers, Tags: f.Resource.Tags, Packages: new(f.Packages), CodeSize: new(f.Size),
		Architecture: muster.FunctionArchitectureX8664,
	}
	if d.PackageType == "IMAGE" {
		out.PackageType = muster.FunctionPackageTypeImage
	}
	if d.Architecture == "ARM64" {
		out.Architecture = muster.FunctionArchitectureArm64
	}
	for to, text := range map[**string]string{&out.CodeSha256: d.CodeSHA256, &out.Runtime: d.RuntimeName, &out.RoleArn: d.RoleARN} {
		if text != "" {
			*to = new(text)
		}
	}
	if !d.LastInvokedAt.IsZero() {
		out.LastInvokedAt = new(d.LastInvokedAt)
	}
	if d.VPC != "" {
		out.VpcConfig = &muster.FunctionVpcConfig{VpcId: new(d.VPC), SubnetIds: d.Subnets, SecurityGroupIds: d.SecurityGroups}
	}
	return out
}
