"""Trains the zoo's fashion-dit and fashion-sd on Fashion-MNIST's 60,000 training images.

    python train_fashion_models.py vae --data DATA --out OUT --seconds 120
    python train_fashion_models.py sd  --data DATA --out OUT --seconds 450 --vae OUT/vae --tokenizer DIR --captions FILE
    python train_fashion_models.py dit --data DATA --out OUT --seconds 450 [--patch 2]

DATA holds train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz. The learning rate follows the share of `--seconds`
that has passed, so that a run ends when it is told to. On a GPU one whole step is captured as a CUDA graph: these models
are so small that launching their kernels would take longer than running them.
"""
import argparse, copy, gzip, json, math, os, time
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, DiTTransformer2DModel, UNet2DConditionModel

parser = argparse.ArgumentParser()
parser.add_argument('model', choices=['vae', 'sd', 'dit'])
parser.add_argument('--data', required=True)
parser.add_argument('--out', required=True)
parser.add_argument('--seconds', type=float, required=True)
parser.add_argument('--batch', type=int, default=256)
parser.add_argument('--rate', type=float, default=5e-4)
parser.add_argument('--patch', type=int, default=2)
parser.add_argument('--vae')
parser.add_argument('--tokenizer')
parser.add_argument('--captions')
parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
args = parser.parse_args()

torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = True
torch.backends.cudnn.allow_tf32 = True
device = args.device
B = args.batch


def idx(name, header):
    return np.frombuffer(gzip.open(os.path.join(args.data, name)).read(), np.uint8, offset=header).copy()


raw = idx('train-images-idx3-ubyte.gz', 16).reshape(-1, 1, 28, 28)
labels = torch.from_numpy(idx('train-labels-idx1-ubyte.gz', 8)).long().to(device)
images = F.pad(torch.from_numpy(raw).float() / 127.5 - 1, (2, 2, 2, 2), value=-1.0).to(device)
count = len(images)

# Linear betas end in noise alone. Stable Diffusion's own schedule leaves a trace of the picture's mean, which these
# small pictures, most of them black, would be drawn too grey by.
scheduler = DDIMScheduler(
    num_train_timesteps=1000, beta_schedule='linear', prediction_type='epsilon', clip_sample=False,
    set_alpha_to_one=args.model == 'dit', steps_offset=0 if args.model == 'dit' else 1)
alphas = scheduler.alphas_cumprod.to(device)


def noised(clean):
    t = torch.randint(0, 1000, (len(clean),), device=device)
    noise = torch.randn_like(clean)
    a = alphas[t].view(-1, 1, 1, 1)
    return a.sqrt() * clean + (1 - a).sqrt() * noise, noise, t


def train(modules, loss_of):
    """Trains `modules` in place; returns their moving averages and a report."""
    parameters = [p for m in modules for p in m.parameters() if p.requires_grad]
    averages = [copy.deepcopy(m).requires_grad_(False) for m in modules]
    averaged = [q for m, a in zip(modules, averages) for p, q in zip(m.parameters(), a.parameters()) if p.requires_grad]
    rate = torch.tensor(0.0, device=device)
    keep = torch.tensor(0.0, device=device)
    mean_loss = torch.zeros((), device=device)
    optimizer = torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.99), weight_decay=0.0,
                                  capturable=device == 'cuda', foreach=device == 'cuda')

    def step():
        optimizer.zero_grad(set_to_none=True)
        # Without the cache of casts, which a captured graph must not keep.
        with torch.autocast(device, torch.bfloat16, enabled=device == 'cuda' and args.model != 'vae', cache_enabled=False):
            loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_mul_(averaged, keep)
            torch._foreach_add_(averaged, torch._foreach_mul(parameters, 1 - keep))
            mean_loss.lerp_(loss.detach(), 0.02)

    run = step
    if device == 'cuda':
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            step()
        run = graph.replay

    start, steps, told = time.time(), 0, 0.0
    while True:
        if device == 'cuda' and steps % 20 == 0:
            torch.cuda.synchronize()
        passed = time.time() - start
        share = passed / args.seconds
        if share >= 1:
            break
        decay = 1 if share < 0.3 else 0.5 * (1 + math.cos(math.pi * (share - 0.3) / 0.7))
        rate.fill_(max(args.rate * min(1, (steps + 1) / 500) * decay, 1e-6))
        keep.fill_(min(0.9998, (1 + steps) / (10 + steps)))
        run()
        steps += 1
        if passed - told > 20:
            told = passed
            print(args.model, args.patch, steps, round(passed), 's loss', round(mean_loss.item(), 5), round(steps * B / passed), 'img/s', flush=True)
    report = {'steps': steps, 'batch': B, 'epochs': round(steps * B / count, 1), 'seconds': round(passed),
              'loss': round(mean_loss.item(), 5), 'parameters': sum(p.numel() for p in parameters),
              'device': torch.cuda.get_device_name() if device == 'cuda' else 'cpu'}
    print(json.dumps(report), flush=True)
    return averages, report


def drawn():
    return torch.randint(0, count, (B,), device=device)


def write_index(folder, entries):
    with open(os.path.join(folder, 'model_index.json'), 'w') as f:
        json.dump(entries, f, indent=2)


os.makedirs(args.out, exist_ok=True)

if args.model == 'vae':
    vae = AutoencoderKL(
        in_channels=1, out_channels=1, latent_channels=4, sample_size=32, block_out_channels=(32, 64), layers_per_block=1,
        down_block_types=('DownEncoderBlock2D',) * 2, up_block_types=('UpDecoderBlock2D',) * 2, norm_num_groups=8).to(device)

    def loss_of():
        x = images[drawn()]
        posterior = vae.encode(x).latent_dist
        y = vae.decode(posterior.mean + posterior.std * torch.randn_like(posterior.mean)).sample
        return (y - x).abs().mean() + ((y - x) ** 2).mean() + 1e-4 * posterior.kl().mean() / posterior.mean[0].numel()

    (average,), report = train([vae], loss_of)
    with torch.no_grad():
        latents = torch.cat([average.encode(images[i:i + 500]).latent_dist.mean for i in range(0, min(count, 10000), 500)])
        error = torch.stack([(average.decode(latents[i:i + 500]).sample - images[i:i + 500]).abs().mean() for i in range(0, min(count, 10000), 500)]).mean()
    average.register_to_config(scaling_factor=round(1 / latents.std().item(), 5))
    report.update(reconstruction=round(error.item(), 5), scaling=average.config.scaling_factor)
    average.cpu().save_pretrained(os.path.join(args.out, 'vae'))

if args.model == 'dit':
    dit = DiTTransformer2DModel(
        num_attention_heads=4, attention_head_dim=32, in_channels=1, out_channels=1, num_layers=8, sample_size=32,
        patch_size=args.patch, num_embeds_ada_norm=10).to(device).eval()

    # eval(): in training mode every block would drop labels by itself; a picture's label goes or stays as one.
    def loss_of():
        i = drawn()
        x, noise, t = noised(images[i])
        label = torch.where(torch.rand(B, device=device) < 0.1, 10, labels[i])
        return ((dit(x, timestep=t, class_labels=label).sample - noise) ** 2).mean()

    (average,), report = train([dit], loss_of)
    average.cpu().save_pretrained(os.path.join(args.out, 'transformer'))
    scheduler.save_pretrained(os.path.join(args.out, 'scheduler'))
    write_index(args.out, {'_class_name': 'DiTPipeline', '_diffusers_version': '0.42.1',
                           'scheduler': ['diffusers', 'DDIMScheduler'], 'transformer': ['diffusers', 'DiTTransformer2DModel']})

if args.model == 'sd':
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
    tokenizer = CLIPTokenizer.from_pretrained(args.tokenizer)
    captions = json.load(open(args.captions))
    filled = (raw > 0).sum((1, 2, 3))
    brightness = raw.sum((1, 2, 3)) / np.maximum(filled, 1) / 255
    shade = np.where(brightness < captions['shades']['dark'], 1, np.where(brightness >= captions['shades']['light'], 2, 0))
    # Every caption there is: [class, shade, name × template]; the shade is said half of the times that it has a word.
    ids = []
    for names in captions['names']:
        for word in ['', 'dark ', 'light ']:
            texts = [template.format(word + name) for name in names for template in captions['templates']]
            # Article and noun as they are written in English.
            texts = [text.replace(' a ankle', ' an ankle').replace(' a open', ' an open').replace(' a overcoat', ' an overcoat')
                     .replace(' a trousers', ' trousers') for text in texts]
            ids.append(tokenizer(texts, padding='max_length', max_length=77, truncation=True, return_tensors='pt').input_ids)
    sizes = torch.tensor([len(block) for block in ids], device=device)
    starts = torch.cumsum(sizes, 0) - sizes
    ids = torch.cat(ids).to(device)
    empty = tokenizer([''], padding='max_length', max_length=77, return_tensors='pt').input_ids.to(device)
    shade = torch.from_numpy(shade).to(device)
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=49408, hidden_size=64, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4,
        projection_dim=64, max_position_embeddings=77, hidden_act='quick_gelu', bos_token_id=49406, eos_token_id=49407,
        pad_token_id=1)).to(device)
    unet = UNet2DConditionModel(
        sample_size=16, in_channels=4, out_channels=4, block_out_channels=(32, 64, 128), layers_per_block=2,
        down_block_types=('CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'),
        up_block_types=('UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'),
        cross_attention_dim=64, attention_head_dim=4, norm_num_groups=8).to(device)
    vae = AutoencoderKL.from_pretrained(args.vae).to(device).requires_grad_(False)
    with torch.no_grad():
        moments = [vae.encode(images[i:i + 500]).latent_dist for i in range(0, count, 500)]
        mean = torch.cat([m.mean for m in moments]) * vae.config.scaling_factor
        std = torch.cat([m.std for m in moments]) * vae.config.scaling_factor

    def loss_of():
        i = drawn()
        word = torch.where(torch.rand(B, device=device) < 0.5, shade[i], 0)
        block = labels[i] * 3 + word
        pick = starts[block] + (torch.rand(B, device=device) * sizes[block]).long().clamp(max=sizes.max() - 1)
        tokens = torch.where((torch.rand(B, device=device) < 0.1).view(-1, 1), empty, ids[pick])
        x, noise, t = noised(mean[i] + std[i] * torch.randn_like(std[i]))
        context = text(tokens).last_hidden_state
        return ((unet(x, t, encoder_hidden_states=context).sample - noise) ** 2).mean()

    (text_average, unet_average), report = train([text, unet], loss_of)
    # Words that no caption has were never trained: their embeddings become 0, so that they add nothing.
    embedding = next(p for n, p in text_average.named_parameters() if n.endswith('token_embedding.weight'))
    seen = torch.zeros(len(embedding), dtype=torch.bool, device=device)
    seen[torch.cat([ids.flatten(), empty.flatten()]).unique()] = True
    with torch.no_grad():
        embedding[~seen] = 0
    report['words'] = int(seen.sum())
    text_average.cpu().save_pretrained(os.path.join(args.out, 'text_encoder'))
    unet_average.cpu().save_pretrained(os.path.join(args.out, 'unet'))
    scheduler.save_pretrained(os.path.join(args.out, 'scheduler'))
    write_index(args.out, {'_class_name': 'StableDiffusionPipeline', '_diffusers_version': '0.42.1',
                           'feature_extractor': [None, None], 'safety_checker': [None, None], 'image_encoder': [None, None],
                           'requires_safety_checker': False, 'scheduler': ['diffusers', 'DDIMScheduler'],
                           'text_encoder': ['transformers', 'CLIPTextModel'], 'tokenizer': ['transformers', 'CLIPTokenizer'],
                           'unet': ['diffusers', 'UNet2DConditionModel'], 'vae': ['diffusers', 'AutoencoderKL']})

with open(os.path.join(args.out, f'{args.model}-report.json'), 'w') as f:
    json.dump(report, f)
