# Coupled groups and a half-pruned model from Torch-Pruning.  python torch_pruning_groups.py UNET2D_TINY    (written into)
import torch, sys, json, warnings, copy; warnings.filterwarnings('ignore'); torch.set_num_threads(1)
import torch_pruning as tp
from diffusers import UNet2DModel
from safetensors.torch import load_file, save_file
D=sys.argv[1]
m=UNet2DModel.from_config(UNet2DModel.load_config(D)); m.load_state_dict(load_file(D+'/diffusion_pytorch_model.safetensors')); m.eval()
for mod in m.modules():
    if hasattr(mod,'set_processor'):
        from diffusers.models.attention_processor import AttnProcessor
        mod.set_processor(AttnProcessor())
G=load_file(D+'/golden.safetensors')
x,t=G['in.sample'],G['in.timestep']
o=m(x,t).sample; print('parity',(o-G['out']).abs().max().item())
loss=((o-G['target'])**2).mean(); loss.backward()
ex={'sample':x[:1],'timestep':t[:1]}
names={mod:n for n,mod in m.named_modules()}
DG=tp.DependencyGraph().build_dependency(m,example_inputs=ex)
IGN=[m.conv_out]+[mod for n,mod in m.named_modules() if n.endswith(('to_q','to_k','to_v'))]
groups=[]
for g in DG.get_all_groups(ignored_layers=IGN):
    items=[]
    for dep,idxs in g:
        mod=dep.target.module
        n=names.get(mod)
        if n is None or not any(True for _ in mod.parameters()): continue
        items.append({'module':n,'fn':dep.handler.__name__,'width':len(idxs)})
    groups.append({'root':names[g[0].dep.target.module],'channels':len(g[0].idxs),'items':items})
json.dump(groups,open(D+'/torch-pruning-groups.json','w'),indent=1)
print(len(groups),[(g['root'],g['channels'],len(g['items'])) for g in groups])
m0=copy.deepcopy(m)
base=tp.utils.count_ops_and_params(m,ex); print(base)
res={'base_macs':base[0],'base_params':base[1]}
for mult in (False,):
    imp=tp.importance.TaylorImportance(multivariable=False)
    sc={}
    for g in DG.get_all_groups(ignored_layers=IGN): sc['score.'+names[g[0].dep.target.module]]=imp(g).detach()
    pr=tp.pruner.MagnitudePruner(m,ex,importance=imp,iterative_steps=1,pruning_ratio=0.5,ignored_layers=IGN,round_to=None)
    for g in pr.step(interactive=True): g.prune()
    from diffusers.models.resnet import Upsample2D, Downsample2D
    for mod in m.modules():
        if isinstance(mod,(Upsample2D,Downsample2D)): mod.channels=mod.conv.in_channels
    after=tp.utils.count_ops_and_params(m,ex); res['macs']=after[0];res['params']=after[1]
    try:
        out=m(x,t).sample; sc['out.pruned']=out.detach()
    except Exception as e: print('forward failed',e)
    res['widths']={n:list(p.shape) for n,p in m.named_parameters()}
    for n,p in m.named_parameters(): sc['pruned.'+n]=p.detach()
    save_file({k:v.contiguous() for k,v in sc.items()},D+'/torch-pruning.safetensors')
json.dump(res,open(D+'/torch-pruning.json','w'),indent=1); print(res['base_macs'],res['macs'],res['base_params'],res['params'])
