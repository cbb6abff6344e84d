# Generator draws, and two pipelines on unet2d-tiny.  python rng.py UNET2D_TINY OUT
import torch,json,sys,warnings; warnings.filterwarnings('ignore'); torch.set_num_threads(1)
from safetensors.torch import save_file, load_file
from diffusers import UNet2DModel,DDIMPipeline,DDPMPipeline,DDIMScheduler,DDPMScheduler
G={}
for seed in (0,1,42,1234567):
    for n in (1,5,15,16,17,31,100,1000):
        g=torch.Generator().manual_seed(seed); G[f'randn.{seed}.{n}']=torch.randn(n,generator=g)
    g=torch.Generator().manual_seed(seed); G[f'randn.{seed}.seq']=torch.cat([torch.randn(3,generator=g),torch.randn(20,generator=g),torch.randn(7,generator=g)])
    g=torch.Generator().manual_seed(seed); G[f'rand.{seed}.40']=torch.rand(40,generator=g)
    g=torch.Generator().manual_seed(seed); G[f'randint1000.{seed}.40']=torch.randint(0,1000,(40,),generator=g)
    g=torch.Generator().manual_seed(seed); G[f'randperm.{seed}.50']=torch.randperm(50,generator=g)
D,OUT=sys.argv[1:3]
m=UNet2DModel.from_config(UNet2DModel.load_config(D)); m.load_state_dict(load_file(D+'/diffusion_pytorch_model.safetensors')); m.eval()
s=DDIMScheduler(beta_schedule='linear',num_train_timesteps=1000)
p=DDIMPipeline(m,s); p.set_progress_bar_config(disable=True)
G['ddim10.seed0']=torch.from_numpy(p(batch_size=2,generator=torch.Generator().manual_seed(0),num_inference_steps=10,output_type='numpy').images).contiguous()
s=DDPMScheduler(beta_schedule='linear',num_train_timesteps=1000)
p=DDPMPipeline(m,s); p.set_progress_bar_config(disable=True)
G['ddpm10.seed0']=torch.from_numpy(p(batch_size=2,generator=torch.Generator().manual_seed(0),num_inference_steps=10,output_type='numpy').images).contiguous()
save_file({k:v.contiguous() for k,v in G.items()},OUT+'/torch-rng-and-pipelines.safetensors')
print({k:tuple(v.shape) for k,v in G.items() if 'd' in k and 'seed0' in k}, G['randn.0.5'],G['randn.0.16'][:4])
