package functions

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/functions"
)

// PublishFunctionLayer makes the next version of a layer of an upload.
func (s *Service) PublishFunctionLayer(ctx context.Context, call *awsmodel.Call, in *muster.PublishFunctionLayerInput) (*muster.PublishFunctionLayerOutput, error) {
	a, err := s.read(ctx, call, in.UploadId)
	if err != nil {
		return nil, err
	}
	l := functions.Layer{Owner: owner(call), Name: in.LayerName, Digest: a.digest, Content: a.content, Size: a.size, Packages: a.packages, CreatedAt: call.Time}
	err = s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if err := s.open(ctx, tx, call, in.UploadId); err != nil {
			return err
		}
		if l.Version, err = functions.AddLayer(ctx, tx, l); err != nil {
			return err
		}
		return functions.DeleteUpload(ctx, tx, owner(call), in.UploadId)
	})
	if err != nil {
		return nil, err
	}
	return &muster.PublishFunctionLayerOutput{Layer: new(showLayer(l))}, nil
}

func layerARN(l functions.Layer) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:layer:%s:%d", l.Region, l.Account, l.Name, l.Version)
}

func showLayer(l functions.Layer) muster.FunctionLayer {
	return muster.FunctionLayer{LayerName: l.Name, LayerVersionArn: layerARN(l), Version: l.Version, CodeSha256: l.Digest,
		CodeSize: l.Size, Packages: new(l.Packages), CreatedAt: l.CreatedAt}
}

// parseLayer reads the ARN of a layer version of this account and Region;
// others' layers are not known here.
func parseLayer(at functions.Owner, text string) (name string, version int64, ok bool) {
	rest, ok := strings.CutPrefix(text, fmt.Sprintf("arn:aws:lambda:%s:%s:layer:", at.Region, at.Account))
	name, number, cut := strings.Cut(rest, ":")
	version, err := strconv.ParseInt(number, 10, 64)
	return name, version, ok && cut && err == nil && name != ""
}

func unknownLayer(text string) error {
	return notFound("There is no layer version " + text + " in this account and Region: publish it first.")
}

// ListFunctionLayers lists the versions of layers by name and number.
func (s *Service) ListFunctionLayers(ctx context.Context, call *awsmodel.Call, in *muster.ListFunctionLayersInput) (*muster.ListFunctionLayersOutput, error) {
	const operation = "ListFunctionLayers"
	after, err := s.after(call, operation, in.NextToken)
	if err != nil {
		return nil, err
	}
	name, number, _ := strings.Cut(after, ":")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil && after != "" {
		return nil, invalid("nextToken", "The nextToken is not valid for this request.")
	}
	limit := size(in.MaxResults)
	var list []functions.Layer
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		list, err = functions.Layers(ctx, tx, owner(call), name, version, limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &muster.ListFunctionLayersOutput{Layers: []muster.FunctionLayer{}}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		out.NextToken = new(s.pages.Seal(call, operation, nil, fmt.Appendf(nil, "%s:%d", last.Name, last.Version)))
	}
	for _, l := range list {
		out.Layers = append(out.Layers, showLayer(l))
	}
	return out, nil
}

// DeleteFunctionLayer deletes a version of a layer. Functions that have it keep
// it until they get others, as in Lambda.
func (s *Service) DeleteFunctionLayer(ctx context.Context, call *awsmodel.Call, in *muster.DeleteFunctionLayerInput) (*muster.DeleteFunctionLayerOutput, error) {
	name, version, ok := parseLayer(owner(call), in.LayerVersionArn)
	if !ok {
		return nil, unknownLayer(in.LayerVersionArn)
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		there, err := functions.DeleteLayer(ctx, tx, owner(call), name, version)
		if err == nil && !there {
			err = unknownLayer(in.LayerVersionArn)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &muster.DeleteFunctionLayerOutput{}, nil
}

// compose puts a function's code and its layers together, as Lambda unpacks
// them: the code and the layers lie in folders of their own, and a layer's file
// takes the place of an earlier layer's of its name.
func compose(ctx context.Context, tx *store.Tx, at functions.Owner, code inventory.Inventory, layers []string) (inventory.Inventory, error) {
	whole := inventory.Inventory{Items: code.Items, Notes: code.Notes}
	var below []inventory.Item
	for _, text := range layers {
		name, version, ok := parseLayer(at, text)
		if !ok {
			return whole, unknownLayer(text)
		}
		l, err := functions.LookupLayer(ctx, tx, at, name, version)
		if errors.Is(err, store.ErrNotFound) {
			return whole, unknownLayer(text)
		}
		if err != nil {
			return whole, err
		}
		inv, err := unpack(l.Content)
		if err != nil {
			return whole, err
		}
		below = onTop(below, inv.Items, text)
		whole.Notes = append(whole.Notes, inv.Notes...)
	}
	whole.Items = append(whole.Items[:len(whole.Items):len(whole.Items)], below...)
	whole.Sort()
	return whole, nil
}

// onTop puts a layer's items on those below, of which it hides the files that it
// has itself.
func onTop(below, layer []inventory.Item, name string) []inventory.Item {
	hidden := map[string]bool{}
	for _, it := range layer {
		hidden[fileOf(it)] = true
	}
	var out []inventory.Item
	for _, it := range below {
		if !hidden[fileOf(it)] {
			out = append(out, it)
		}
	}
	for _, it := range layer {
		it.Layer = name
		out = append(out, it)
	}
	return out
}

// fileOf is the file of an archive that proves an item, without what lies
// within it.
func fileOf(it inventory.Item) string {
	file, _, _ := strings.Cut(it.Path, "!/")
	return file
}
