# Reference outputs for the trained DDPM: a forward/gradient check and Diff-Pruning's sweep (one batch, one noise, ascending t, stop at 0.05).
# python ddpm_golden.py MODEL IMAGES    MODEL: pipeline folder, written into; IMAGES: t10k-images-idx3-ubyte.gz
import torch,gzip,numpy as np,sys; torch.set_num_threads(2)
from diffusers import UNet2DModel,DDPMScheduler
from safetensors.torch import load_file,save_file
D,IMAGES=sys.argv[1:3]
m=UNet2DModel.from_config(UNet2DModel.load_config(D+'/unet')); sd=load_file(D+'/unet/diffusion_pytorch_model.safetensors'); m.load_state_dict(sd); m.eval()
x=np.frombuffer(gzip.open(IMAGES).read(),np.uint8,offset=16).reshape(-1,1,28,28)[:8]
x=torch.nn.functional.pad(torch.from_numpy(x.copy()).float()/127.5-1,(2,2,2,2),value=-1.0)
g=torch.Generator().manual_seed(0); noise=torch.randn(x.shape,generator=g)
s=DDPMScheduler(num_train_timesteps=1000,beta_schedule='linear')
# check file
t=torch.tensor([10,100,250,400,550,700,850,990]); xt=s.add_noise(x,noise,t); m.zero_grad(); o=m(xt,t).sample; loss=((o-noise)**2).mean(); loss.backward()
G={'in.sample':xt,'in.timestep':t,'out':o.detach(),'target':noise,'loss':loss.detach().reshape(1)}
for n,p in m.named_parameters():
    if p.numel()<40000: G['grad.'+n]=p.grad.detach().clone()
save_file({k:v.contiguous() for k,v in G.items()},D+'/golden.safetensors')
m.zero_grad(); L=[]; mx=0; stop=None
for k in range(1000):
    tt=torch.full((8,),k); o=m(s.add_noise(x,noise,tt),tt).sample; l=torch.nn.functional.mse_loss(o,noise)
    if stop is None:
        l.backward(); mx=max(mx,l.item())
        if l.item()<mx*0.05: stop=k
    L.append(l.item())
    if k%100==0: print(k,l.item(),stop,flush=True)
R={'images':x,'noise':noise,'loss_per_timestep':torch.tensor(L)}
meta={'threshold':'0.05','stop_timestep_included':str(stop),'rule':'backward before the stop test, ascending t, gradients summed with sign'}
for n,p in m.named_parameters():
    gr=p.grad if p.grad is not None else torch.zeros_like(p)
    w=(p*gr).detach().abs(); R['taylor_out.'+n]=w.flatten(1).sum(1) if w.ndim>1 else w
    if w.ndim>1: R['taylor_in.'+n]=w.transpose(0,1).flatten(1).sum(1)
save_file({k:v.contiguous() for k,v in R.items()},D+'/diff-pruning.safetensors',meta); print('stop',stop)
