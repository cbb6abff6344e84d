# Trains the zoo's fashion-ddpm-32.  python train_fashion.py SECONDS OUT IMAGES    IMAGES: train-images-idx3-ubyte.gz
import torch, gzip, numpy as np, time, json, os, struct, copy, math, sys
torch.set_num_threads(2)
from diffusers import UNet2DModel, DDPMScheduler
T_TOTAL=float(sys.argv[1]); OUT=sys.argv[2]; IMAGES=sys.argv[3]
x=np.frombuffer(gzip.open(IMAGES).read(),np.uint8,offset=16).reshape(-1,1,28,28)
x=torch.nn.functional.pad(torch.from_numpy(x.copy()).float()/127.5-1,(2,2,2,2),value=-1.0)
torch.manual_seed(0)
m=UNet2DModel(sample_size=32,in_channels=1,out_channels=1,layers_per_block=2,block_out_channels=(32,64,128),down_block_types=('DownBlock2D','DownBlock2D','AttnDownBlock2D'),up_block_types=('AttnUpBlock2D','UpBlock2D','UpBlock2D'),norm_num_groups=8,attention_head_dim=32)
ema=copy.deepcopy(m)
s=DDPMScheduler(num_train_timesteps=1000,beta_schedule='linear',prediction_type='epsilon')
ac=s.alphas_cumprod
opt=torch.optim.AdamW(m.parameters(),lr=4e-4,betas=(0.9,0.99),weight_decay=0.0)
B=32;step=0;t0=time.time();last=t0;run=None;n=len(x);perm=torch.randperm(n);pos=0;epoch=0
def save(mod,path):
    os.makedirs(path+'/unet',exist_ok=True)
    sd={k:v.detach().float().contiguous() for k,v in mod.state_dict().items()}
    h={};off=0
    for k in sorted(sd): b=sd[k].numel()*4; h[k]={'dtype':'F32','shape':list(sd[k].shape),'data_offsets':[off,off+b]}; off+=b
    h['__metadata__']={'format':'pt'}
    j=json.dumps(h).encode(); j+=b' '*((8-len(j)%8)%8)
    with open(path+'/unet/part.st','wb') as f:
        f.write(struct.pack('<Q',len(j)));f.write(j)
        for k in sorted(sd): f.write(sd[k].numpy().tobytes())
    os.replace(path+'/unet/part.st',path+'/unet/diffusion_pytorch_model.safetensors')
    mod.save_config(path+'/unet'); s.save_config(path+'/scheduler')
    json.dump({'_class_name':'DDPMPipeline','_diffusers_version':'0.14.0','scheduler':['diffusers','DDPMScheduler'],'unet':['diffusers','UNet2DModel']},open(path+'/model_index.json','w'),indent=2)
    torch.save({'m':m.state_dict(),'ema':ema.state_dict(),'opt':opt.state_dict(),'step':step},path+'/../ckpt.pt')
while True:
    el=time.time()-t0
    if el>T_TOTAL: break
    fr=el/T_TOTAL
    lr=4e-4*min(1,(step+1)/300)*(0.5*(1+math.cos(math.pi*max(0,(fr-0.3)/0.7))) if fr>0.3 else 1)
    for g in opt.param_groups: g['lr']=max(lr,1e-6)
    if pos+B>n: perm=torch.randperm(n);pos=0;epoch+=1
    xb=x[perm[pos:pos+B]];pos+=B
    t=torch.randint(0,1000,(B,));e=torch.randn_like(xb)
    a=ac[t].view(-1,1,1,1);xt=a.sqrt()*xb+(1-a).sqrt()*e
    loss=((m(xt,t).sample-e)**2).mean()
    opt.zero_grad(set_to_none=True);loss.backward();torch.nn.utils.clip_grad_norm_(m.parameters(),1.0);opt.step();step+=1
    dec=min(0.9995,(1+step)/(10+step)) if step>100 else 0
    dec=min(dec,0.9995)
    with torch.no_grad():
        for p,q in zip(ema.parameters(),m.parameters()): p.lerp_(q,1-dec)
    run=loss.item() if run is None else 0.98*run+0.02*loss.item()
    if step%200==0: print(step,epoch,round(el),round(run,5),round(step*B/el,1),'img/s',flush=True)
    if time.time()-last>600: last=time.time();save(ema,OUT)
save(ema,OUT);print('done',step,epoch,run)
