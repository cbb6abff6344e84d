# Trajectories of the schedulers under a pseudo-model.  python schedulers.py OUT
import torch, sys, json, os, warnings; warnings.filterwarnings('ignore')
from safetensors.torch import save_file
from diffusers import DDPMScheduler,DDIMScheduler,DPMSolverMultistepScheduler,EulerDiscreteScheduler,EulerAncestralDiscreteScheduler,LCMScheduler,PNDMScheduler,UniPCMultistepScheduler,HeunDiscreteScheduler,FlowMatchEulerDiscreteScheduler
ROOT=sys.argv[1];os.makedirs(ROOT,exist_ok=True)
base=dict(num_train_timesteps=1000,beta_start=0.00085,beta_end=0.012,beta_schedule='scaled_linear')
lin=dict(num_train_timesteps=1000,beta_start=0.0001,beta_end=0.02,beta_schedule='linear')
cases={
 'ddpm-linear-50':(DDPMScheduler,{**lin,'clip_sample':True,'variance_type':'fixed_small'},50),
 'ddpm-fixedlarge-20':(DDPMScheduler,{**lin,'clip_sample':False,'variance_type':'fixed_large'},20),
 'ddim-linear-20':(DDIMScheduler,{**lin,'clip_sample':True},20),
 'ddim-sd-leading1-25':(DDIMScheduler,{**base,'clip_sample':False,'set_alpha_to_one':False,'steps_offset':1},25),
 'ddim-v-trailing-10':(DDIMScheduler,{**base,'clip_sample':False,'prediction_type':'v_prediction','timestep_spacing':'trailing','rescale_betas_zero_snr':True},10),
 'dpmpp2m-20':(DPMSolverMultistepScheduler,{**base,'algorithm_type':'dpmsolver++','solver_order':2},20),
 'dpmpp2m-karras-12':(DPMSolverMultistepScheduler,{**base,'algorithm_type':'dpmsolver++','solver_order':2,'use_karras_sigmas':True},12),
 'dpmpp3m-15':(DPMSolverMultistepScheduler,{**base,'algorithm_type':'dpmsolver++','solver_order':3},15),
 'dpmsolver-10':(DPMSolverMultistepScheduler,{**lin,'algorithm_type':'dpmsolver','solver_order':2,'final_sigmas_type':'sigma_min'},10),
 'euler-20':(EulerDiscreteScheduler,{**base,'timestep_spacing':'leading','steps_offset':1},20),
 'euler-trailing-4':(EulerDiscreteScheduler,{**base,'timestep_spacing':'trailing'},4),
 'pndm-sd-20':(PNDMScheduler,{**base,'skip_prk_steps':True,'set_alpha_to_one':False,'steps_offset':1},20),
 'unipc-10':(UniPCMultistepScheduler,{**base},10),
 'heun-8':(HeunDiscreteScheduler,{**base},8),
 'lcm-4':(LCMScheduler,{**base},4),
 'flowmatch-euler-8':(FlowMatchEulerDiscreteScheduler,{'num_train_timesteps':1000,'shift':3.0},8),
}
G={};meta={}
for name,(C,kw,n) in cases.items():
    s=C(**kw); s.set_timesteps(n)
    g=torch.Generator().manual_seed(5)
    x=torch.randn(1,2,4,4,generator=g)
    x=x*getattr(s,'init_noise_sigma',1.0)
    G[name+'/init']=x.clone(); G[name+'/timesteps']=s.timesteps.float().clone()
    outs=[]; xs=[]; noises=[]
    real=torch.randn
    import diffusers.utils.torch_utils as tu
    for i,t in enumerate(s.timesteps):
        xin=s.scale_model_input(x,t) if hasattr(s,'scale_model_input') else x
        # deterministic pseudo-model: depends on input and t
        o=torch.tanh(xin*0.7+0.1*torch.sin(t.float()/100))
        ns=torch.Generator().manual_seed(1000+i)
        kwargs={}
        import inspect
        if 'generator' in inspect.signature(s.step).parameters: kwargs['generator']=ns
        r=s.step(o,t,x,**kwargs)
        x=r.prev_sample
        xs.append(x.clone())
        noises.append(torch.randn(1,2,4,4,generator=torch.Generator().manual_seed(1000+i)))
    G[name+'/trajectory']=torch.stack(xs); G[name+'/noise']=torch.stack(noises)
    meta[name]={'class':C.__name__,'config':kw,'num_inference_steps':n}
    print(name,x.abs().mean().item(),len(s.timesteps))
save_file({k:v.contiguous() for k,v in G.items()},ROOT+'/schedulers.safetensors'); json.dump(meta,open(ROOT+'/schedulers.json','w'),indent=1)
